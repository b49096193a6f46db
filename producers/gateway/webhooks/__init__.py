"""Webhooks: upstream systems are called when something has happened to a campaign or a batch.

    campaign_events.py  what has happened to a campaign, by its present state
    watching.py         looks at campaigns that change, and writes events into the outbox
    delivering.py       takes deliveries from the outbox and makes them, until stopped
    retrying.py         when a delivery is tried again, and until when
    signing.py          Standard Webhooks' headers
    calling.py          one call, bounded in time, to a judged address
    addresses.py        which URLs and which addresses may be called
    endpoints.py        /v1/webhooks
    webhook_routes.py   its rows in the table of routes
    service.py          all of them, for one gateway

The outbox is in storage/accounts: what one gateway has written there, any other delivers.
"""
