"""A broker that asks for TLS, a password and rights: SASL_SSL, SCRAM and StandardAuthorizer.

The test itself uses a second listener, without any of these, whose user is a super user.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from seedcast.embedded import broker, processes
from seedcast.embedded.stack_state import HOST, State
from seedcast.kafka.admin_client import AdminClient
from seedcast.schemas.rights import Right
from seedcast.settings import KafkaSettings
from tests.builders.certificates import certificates
from tests.builders.processes import stop_when_orphaned
from tests.builders.waiting import eventually

MECHANISM = "SCRAM-SHA-256"
TIMEOUT = 60.0  # seconds for one administrative request
REAUTHENTICATE = 4_000  # milliseconds after which a client must show its password again


@dataclass(frozen=True)
class SecuredBroker:
    port: int
    internal: str  # bootstrap of the super user
    ca: Path
    admin: AdminClient  # the super user's

    def settings(self, user: str, password: str, **more: object) -> KafkaSettings:
        return KafkaSettings.model_validate(
            {
                "bootstrap": f"{HOST}:{self.port}",
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": MECHANISM,
                "sasl_username": user,
                "sasl_password": password,
                "ssl_ca_location": str(self.ca),
                **more,
            }
        )

    def set_password(self, user: str, password: str) -> None:
        """Create the user, or replace its password. The broker forgets the old one."""
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
        change = UserScramCredentialUpsertion(user, scram, password.encode())
        for future in self.admin.alter_user_scram_credentials([change]).values():
            future.result(TIMEOUT)

    def grant(self, user: str, rights: Iterable[Right]) -> None:
        """Give the user these rights, if any; return once the broker knows."""
        if not (bindings := [_binding(user, right) for right in rights]):
            return
        for future in self.admin.create_acls(bindings).values():
            future.result(TIMEOUT)
        eventually(lambda: all(map(self._knows, bindings)), what="the rights")

    def revoke(self, user: str, rights: Iterable[Right]) -> None:
        """Take rights away again; return once the broker knows."""
        bindings = [_binding(user, right) for right in rights]
        for future in self.admin.delete_acls(list(map(_filter, bindings))).values():
            future.result(TIMEOUT)
        eventually(lambda: not any(map(self._knows, bindings)), what="their end")

    def _knows(self, binding: AclBinding) -> bool:
        return bool(self.admin.describe_acls(_filter(binding)).result(TIMEOUT))


def _binding(user: str, right: Right) -> AclBinding:
    kinds = {"Topic": ResourceType.TOPIC, "Group": ResourceType.GROUP}
    operations = {
        "Create": AclOperation.CREATE,
        "Describe": AclOperation.DESCRIBE,
        "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
        "Read": AclOperation.READ,
        "Write": AclOperation.WRITE,
    }
    return AclBinding(
        kinds[right.resource],
        right.name,
        ResourcePatternType.LITERAL,
        f"User:{user}",
        "*",
        operations[right.operation],
        AclPermissionType.ALLOW,
    )


def _filter(binding: AclBinding) -> AclBindingFilter:
    names = ("restype", "name", "resource_pattern_type", "principal", "host", "operation")
    return AclBindingFilter(*(getattr(binding, name) for name in names), binding.permission_type)


@contextmanager
def secured_broker(
    folder: Path, *, jvm: Sequence[str] = (), **changes: object
) -> Iterator[SecuredBroker]:
    """Run one; it ends also when the test run is killed.

    `jvm`: more options of Java. `changes`: more of the broker's properties, or other values.
    """
    made = certificates(folder)
    port, internal, controller = processes.free_ports(0, 0, 0)
    java, *rest = broker.argv(folder, State(broker_port=port, controller_port=controller))
    command = [java, *jvm, *rest]
    listeners = f"SASL_SSL://{HOST}:{port},INTERNAL://{HOST}:{internal}"
    properties = {
        "listeners": f"{listeners},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": listeners,
        "inter.broker.listener.name": "INTERNAL",
        "listener.security.protocol.map": (
            "SASL_SSL:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
        ),
        "sasl.enabled.mechanisms": MECHANISM,
        "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.sasl_ssl.connections.max.reauth.ms": REAUTHENTICATE,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": made / "server.pem",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        **changes,
    }
    with Path(command[-1]).open("a") as file:  # Java takes the last value of a repeated name
        file.writelines(f"{name}={value}\n" for name, value in properties.items())
    guard = stop_when_orphaned(folder)
    process = processes.spawn(command, os.environ, folder / "kafka.log", folder)
    try:
        eventually(lambda: processes.is_listening(process, port), what="the broker")
        bootstrap = f"{HOST}:{internal}"
        admin = AdminClient({"bootstrap.servers": bootstrap})
        yield SecuredBroker(port, bootstrap, made / "ca.pem", admin)
    finally:
        processes.kill([process])
        guard.kill()
