"""The security measures that this installation takes, in French and English: only those that its settings show."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from channels.smtp_url import Encryption, read_url
from cli.record_words import Language
from models.vocabulary import Channel

if TYPE_CHECKING:
    from settings import Settings

_ALWAYS: Mapping[Language, tuple[str, ...]] = {
    "fr": (
        "Chaque clé a un rôle, n’est gardée que sous forme d’empreinte et signe chaque acte de son nom.",
        "Les secrets de cette machine ne sont lisibles que par le compte du service.",
        "Aucune donnée nominative dans Temporal, les journaux, les mesures, les erreurs ou les adresses web.",
        "Les liens des messages sont signés et ne contiennent ni nom ni adresse.",
        "Les webhooks et les événements des fournisseurs doivent prouver d’où ils viennent.",
        "Le contrôle avant chaque envoi et son motif sont enregistrés ; « relaunch audit » les vérifie à nouveau.",
        "L’effacement est une tâche durable, prouvée par un certificat ; il ne reste qu’une empreinte à clé.",
        "Export, effacement et conservation limitée sont des commandes du produit.",
    ),
    "en": (
        "Each key has a role, is kept as a hash only, and names every act that is done with it.",
        "The secrets of this machine can be read by the service’s account alone.",
        "Nothing that names anybody in Temporal, logs, metrics, errors or web addresses.",
        "Links in messages are signed and hold neither name nor address.",
        "Webhooks and providers’ events must prove where they come from.",
        "The check before each message and its reason are recorded; `relaunch audit` verifies them again.",
        "Erasure is a durable job, proved by a certificate; only a keyed hash remains.",
        "Export, erasure and limited retention are commands of the product.",
    ),
}
_SOME: Mapping[Language, Mapping[str, str]] = {
    "fr": {
        "home": "Le dossier des bases et des messages n’est ouvert qu’à ce compte.",
        "https": "Les personnes et la boutique atteignent l’installation par HTTPS.",
        "mail": "Les e-mails sont remis au serveur par une ligne chiffrée.",
        "mail_maybe": "Les e-mails sont remis par une ligne chiffrée quand le serveur le propose.",
        "providers": "Les fournisseurs sont appelés par HTTPS.",
        "temporal": "La liaison avec Temporal est chiffrée.",
    },
    "en": {
        "home": "The folder of databases and messages is open to that account alone.",
        "https": "People and the shop reach the installation by HTTPS.",
        "mail": "E-mail is handed to its server over an encrypted line.",
        "mail_maybe": "E-mail is handed over an encrypted line where the server offers one.",
        "providers": "Providers are called by HTTPS.",
        "temporal": "The line to Temporal is encrypted.",
    },
}


def measures(settings: "Settings", language: Language) -> list[str]:
    """Return the measures in sentences."""
    return [*_ALWAYS[language], *(_SOME[language][name] for name in _taken(settings))]


def _taken(settings: "Settings") -> Iterator[str]:
    """Return what these settings add to what the product always does."""
    if settings.home.is_dir() and not settings.home.stat().st_mode & 0o077:
        yield "home"
    if settings.public_url.startswith("https:"):
        yield "https"
    yield from _mail(settings)
    if settings.accounts.chosen:
        yield "providers"
    if settings.temporal_address is not None and (settings.temporal_tls or settings.temporal_api_key is not None):
        yield "temporal"


def _mail(settings: "Settings") -> Iterator[str]:
    if settings.smtp_url is None or Channel.EMAIL in settings.accounts.chosen:
        return
    match read_url(settings.smtp_url.get_secret_value()).encryption:
        case Encryption.FROM_START | Encryption.REQUIRED:
            yield "mail"
        case Encryption.AUTO:
            yield "mail_maybe"
        case Encryption.NEVER:
            pass
