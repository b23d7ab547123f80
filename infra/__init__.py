"""What puts Hansard into a cloud: the bundle, the deployment, and stand-ins for one machine."""
