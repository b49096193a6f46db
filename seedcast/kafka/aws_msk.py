"""Signs tokens for Amazon MSK's IAM access control, with AWS's own signer (the extra `msk`)."""

import os
from functools import partial
from importlib.util import find_spec
from typing import Any

from seedcast.errors import BrokerUnavailable, CredentialsRefused, InvalidSettings
from seedcast.kafka.tokens import Source, Token
from seedcast.settings import KafkaSettings

SIGNER = "aws_msk_iam_sasl_signer"
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")  # as AWS's SDKs name it


def source(kafka: KafkaSettings) -> Source:
    """Return what signs a token. Raises InvalidSettings without the signer or a region."""
    if find_spec(SIGNER) is None:
        raise InvalidSettings(
            "SEEDCAST_KAFKA_SASL_MECHANISM is AWS_MSK_IAM",
            expected="the package that signs tokens for MSK",
            got=f"no {SIGNER}",
            remedy="pip install 'seedcast[msk]'",
        )
    regions = (kafka.aws_region, *map(os.environ.get, _REGIONS))
    if not (region := next(filter(None, regions), None)):
        raise InvalidSettings(
            "SEEDCAST_KAFKA_SASL_MECHANISM is AWS_MSK_IAM",
            expected="the cluster's region",
            got="none",
            remedy="set SEEDCAST_KAFKA_AWS_REGION or AWS_REGION",
        )
    return partial(_sign, region, _provider())


def _provider() -> Any:
    """Return a provider of AWS's credentials chain that keeps one session.

    A session for each token would get a role under another name each time, and MSK lets no
    connection change its principal when it authenticates again.
    """
    from botocore.credentials import CredentialProvider
    from botocore.session import Session

    session = Session()

    class OneSession(CredentialProvider):  # type: ignore[misc]
        def load(self) -> Any:
            """Raises CredentialsRefused; botocore renews a role's keys before they expire."""
            found = session.get_credentials()
            if found is None:
                raise CredentialsRefused(
                    "AWS credentials for MSK",
                    expected="keys, a profile, or a role of the service account or machine",
                    got="none",
                    remedy="see AWS's credentials chain: AWS_PROFILE, AWS_ACCESS_KEY_ID, "
                    "AWS_WEB_IDENTITY_TOKEN_FILE and others",
                )
            return found

    return OneSession()


def _sign(region: str, provider: Any) -> Token:
    """Raises CredentialsRefused, and BrokerUnavailable where a role's keys cannot be fetched."""
    from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
    from botocore.exceptions import BotoCoreError, ClientError

    sign = MSKAuthTokenProvider.generate_auth_token_from_credentials_provider
    try:
        value, expires_at_ms = sign(region, provider)
    except ClientError as error:
        raise CredentialsRefused(
            "AWS credentials for MSK",
            got=str(error),
            remedy="check the role and its trust policy",
        ) from error
    except BotoCoreError as error:
        raise BrokerUnavailable("AWS credentials for MSK", got=str(error)) from error
    return Token(value, expires_at_ms / 1000, "")
