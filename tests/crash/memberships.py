"""End the memberships of a group whose workers are all dead, as the end of their sessions would.

Kafka has the request for it: a member leaves, and anybody may send that in its name.
"""

import asyncio

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.group import LeaveGroupRequest


def end_all(bootstrap: str, group: str) -> None:
    """Let every member leave the group."""
    asyncio.run(_end_all(bootstrap, group))


async def _end_all(bootstrap: str, group: str) -> None:
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group)
        answer = await client.send(coordinator, DescribeGroupsRequest([group]))
        for member_id in [member[0] for member in answer.groups[0][5]]:
            await client.send(coordinator, LeaveGroupRequest(group, member_id))
    finally:
        await client.close()
