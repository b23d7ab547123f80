"""One AWS trigger per file. Empty so far: the deployment to Lambda comes with its own change."""
