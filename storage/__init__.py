"""Where audio objects, large dead letters and campaign manifests are kept: any S3."""
