"""Audio objects, large dead letters and campaign manifests, in any S3 store."""
