"""Stand-ins for what runs in the cloud, and what starts them. For one's own machine; never part of a deployment."""
