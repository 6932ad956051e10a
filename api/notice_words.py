"""What providers told of a message, in words for support, in French and English."""

from collections.abc import Mapping

from api.language import Language
from models.provider_events import ProviderEventType
from store.notice_rows import NoticeRow

Kind = tuple[ProviderEventType, bool | None]
"""A type, and what tells its cases apart: `permanent` of a bounce, `human` of an open or a click."""

FRENCH: Mapping[Kind, str] = {
    (ProviderEventType.QUEUED, None): "« {step} » : en file d’attente chez {provider}",
    (ProviderEventType.ACCEPTED, None): "« {step} » : pris en charge par {provider}",
    (ProviderEventType.DELIVERED, None): "« {step} » : arrivé chez le client",
    (ProviderEventType.DEFERRED, None): "« {step} » : pas encore arrivé, {provider} réessaie{reason}",
    (ProviderEventType.BOUNCED, True): "« {step} » : non distribué, l’adresse n’existe pas ou plus{reason}",
    (ProviderEventType.BOUNCED, False): "« {step} » : non distribué, la boîte ne prend rien pour l’instant{reason}",
    (ProviderEventType.BOUNCED, None): "« {step} » : non distribué{reason}",
    (ProviderEventType.REJECTED, None): "« {step} » : refusé par {provider} ou par le serveur du client{reason}",
    (ProviderEventType.FAILED, None): "« {step} » : échec chez {provider}{reason}",
    (ProviderEventType.COMPLAINED, None): "« {step} » : le client l’a signalé comme indésirable",
    (ProviderEventType.UNSUBSCRIBED, None): "« {step} » : le client s’est désinscrit auprès de {provider}",
    (ProviderEventType.SUBSCRIBED, None): (
        "« {step} » : le client s’est réinscrit auprès de {provider} ; pour la boutique, ce n’est pas un consentement"
    ),
    (ProviderEventType.OPENED, None): "« {step} » : ouvert par le client",
    (ProviderEventType.OPENED, False): "« {step} » : ouvert par un programme, pas par le client",
    (ProviderEventType.CLICKED, None): "« {step} » : lien suivi par le client",
    (ProviderEventType.CLICKED, False): "« {step} » : lien suivi par un programme, pas par le client",
    (ProviderEventType.UNKNOWN, None): "« {step} » : autre nouvelle de {provider}{reason}",
}
ENGLISH: Mapping[Kind, str] = {
    (ProviderEventType.QUEUED, None): "“{step}”: in the queue of {provider}",
    (ProviderEventType.ACCEPTED, None): "“{step}”: taken by {provider}",
    (ProviderEventType.DELIVERED, None): "“{step}”: has reached the customer",
    (ProviderEventType.DEFERRED, None): "“{step}”: not there yet, {provider} tries again{reason}",
    (ProviderEventType.BOUNCED, True): "“{step}”: not delivered, the address does not exist any more{reason}",
    (ProviderEventType.BOUNCED, False): "“{step}”: not delivered, the mailbox takes nothing at the moment{reason}",
    (ProviderEventType.BOUNCED, None): "“{step}”: not delivered{reason}",
    (ProviderEventType.REJECTED, None): "“{step}”: refused by {provider} or by the customer's server{reason}",
    (ProviderEventType.FAILED, None): "“{step}”: failed at {provider}{reason}",
    (ProviderEventType.COMPLAINED, None): "“{step}”: the customer reported it as spam",
    (ProviderEventType.UNSUBSCRIBED, None): "“{step}”: the customer unsubscribed at {provider}",
    (ProviderEventType.SUBSCRIBED, None): (
        "“{step}”: the customer subscribed again at {provider}, which is no consent to the shop"
    ),
    (ProviderEventType.OPENED, None): "“{step}”: opened by the customer",
    (ProviderEventType.OPENED, False): "“{step}”: opened by a program, not by the customer",
    (ProviderEventType.CLICKED, None): "“{step}”: link followed by the customer",
    (ProviderEventType.CLICKED, False): "“{step}”: link followed by a program, not by the customer",
    (ProviderEventType.UNKNOWN, None): "“{step}”: other news from {provider}{reason}",
}


def notice_text(notice: NoticeRow, step: str, language: Language) -> str:
    """Return what a provider told of a step's message."""
    words = FRENCH if language == "fr" else ENGLISH
    kind = ProviderEventType(notice.type)
    case = notice.permanent if kind is ProviderEventType.BOUNCED else notice.human
    phrase = words.get((kind, case)) or words[kind, None]
    reason = f" ({notice.reason})" if notice.reason else ""
    return phrase.format(step=step, provider=notice.provider, reason=reason)
