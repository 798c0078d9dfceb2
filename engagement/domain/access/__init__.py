"""Who calls with an access token of Microsoft Entra, and whom organizations let in."""
