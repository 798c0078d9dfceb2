"""The administrator's command line; the deployed app never imports it."""
