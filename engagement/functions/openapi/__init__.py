"""The description of the API (OpenAPI 3.1), one module a subject, and the connector made of it."""
