"""One way to reach Temporal, for every part: the connection, and what its UI can be searched by."""

from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError

SHOP = SearchAttributeKey.for_keyword("RelaunchShop")
POLICY = SearchAttributeKey.for_keyword("RelaunchPolicy")
CUSTOMER = SearchAttributeKey.for_keyword("RelaunchCustomer")
OUTCOME = SearchAttributeKey.for_keyword("RelaunchOutcome")
SEARCH_ATTRIBUTES = (SHOP, POLICY, CUSTOMER, OUTCOME)


class TemporalError(Exception):
    """Temporal cannot be reached or does not do what is asked."""


async def register_search_attributes(client: Client) -> None:
    """Make the namespace know our search attributes; a namespace that knows them is left alone."""
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = [key.name for key in SEARCH_ATTRIBUTES if key.name not in known.custom_attributes]
        if missing:
            keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace, search_attributes={name: keyword for name in missing}
                ),
                timeout=timedelta(seconds=20),
            )
    except RPCError as error:
        raise TemporalError(
            f"Temporal's namespace {client.namespace!r} does not take our search attributes ({error.status.name}): "
            "let an administrator add RelaunchShop, RelaunchPolicy, RelaunchCustomer and "
            "RelaunchOutcome as Keyword"
        ) from error
