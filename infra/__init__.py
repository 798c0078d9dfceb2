"""The deployment to Azure, and what checks it."""
