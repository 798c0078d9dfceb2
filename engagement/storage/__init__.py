"""Azure Tables, Blobs and Queues: the only code that imports their SDKs."""
