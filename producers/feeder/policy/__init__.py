"""What the feeder decides: whose row is next, when, and how many. Pure: no clock, Kafka or S3.

Time comes in as seconds, from a clock that may jump either way by any amount.
"""
