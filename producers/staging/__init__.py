"""From requests to a staged list: Parquet parts in the object store, and a campaign."""
