"""The labelled set of timelines, and its builder."""
