"""The post-process worker: a Faust app around the pure audio chain."""
