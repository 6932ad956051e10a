"""Every word of a timeline, in French and English: what support reads about a journey."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from api.language import Language
from models.step import Spread
from models.vocabulary import Basis, CallResult, Channel, Outcome, Reason, Verdict
from store.acts import ActName


@dataclass(frozen=True, slots=True)
class Texts:
    """The words of one language; braces are filled by `api.timeline`."""

    months: str
    moment: str
    reasons: Mapping[str, str]
    outcomes: Mapping[str, str]
    channels: Mapping[str, str]
    several: Mapping[str, str]
    verdicts: Mapping[str, str]
    bases: Mapping[str, str]
    acts: Mapping[str, str]
    results: Mapping[str, str]
    phrases: Mapping[str, str]


FRENCH = Texts(
    months="janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    moment="{day} {month} à {time}",
    reasons={
        Reason.SENT: "toutes les conditions étaient réunies",
        Reason.JOURNEY_CLOSED: "la relance est déjà terminée",
        Reason.PAUSED: "la relance est en pause",
        Reason.ERASED: "les données du client ont été effacées",
        Reason.OPTED_OUT: "le client ne veut plus de messages par ce canal",
        Reason.SUPPRESSED: "cette adresse ne reçoit plus de messages",
        Reason.SNOOZED: "le client a demandé une pause",
        Reason.NO_ADDRESS: "aucune adresse utilisable pour ce canal",
        Reason.PURCHASED: "le client a commandé",
        Reason.REENGAGED: "le client est revenu de lui-même",
        Reason.CART_EMPTIED: "le panier a été vidé",
        Reason.KILL_SWITCH: "l’équipe a suspendu les envois",
        Reason.STOREFRONT_AWAY: "la boutique n’a pas pu dire si le client a commandé",
        Reason.ACTIVE_NOW: "le client est en ce moment dans la boutique",
        Reason.NOT_ELIGIBLE: "le client ne répond aux critères d’aucune séquence",
        Reason.WHEN: "la condition propre à cette étape n’est pas remplie",
        Reason.TEMPLATE_MISSING: "le modèle du message n’existe pas",
        Reason.TEMPLATE_ERROR: "le modèle du message contient une erreur",
        Reason.NO_LAWFUL_BASIS: "ni consentement ni achat antérieur n’autorisent ce message",
        Reason.QUIET_HOURS: "ce sont des heures calmes chez le client",
        Reason.PRESSURE: "le client a reçu assez de messages ces jours-ci",
        Reason.OUTRANKED: "un message plus important part au même moment",
        Reason.OUT_OF_STOCK: "plus aucun article du panier n’est en stock",
        Reason.HOLDOUT: "le client est dans le groupe témoin, qui ne reçoit rien",
        Reason.WINDOW_ENDED: "le moment utile de cette étape est passé",
        Reason.CHANNEL_MISSING: "aucun fournisseur n’est configuré pour ce canal",
        Reason.ALREADY_SENT: "ce message a déjà été remis",
        Reason.PROVIDER_DOWN: "le fournisseur ne prend pas le message pour l’instant",
        Reason.PROVIDER_REFUSED: "le fournisseur refuse ce message ou cette adresse",
        Reason.PROVIDER_MISCONFIGURED: "le fournisseur refuse notre compte : réglages à vérifier",
        Reason.RESTORED: "la base a été restaurée depuis ; par prudence, rien n’est renvoyé",
        Reason.NO_PROOF: "la liaison s’est coupée avant la confirmation ; par prudence, rien n’est renvoyé",
        Reason.EXPIRED: "le panier était trop ancien",
    },
    outcomes={
        Outcome.ERASED: "Fin : les données du client ont été effacées",
        Outcome.OPTED_OUT: "Fin : le client s’est désinscrit",
        Outcome.PURCHASED: "Fin : le client a commandé",
        Outcome.REENGAGED: "Fin : le client est revenu de lui-même",
        Outcome.CART_EMPTIED: "Fin : le panier a été vidé",
        Outcome.CANCELLED: "Fin : annulée par l’équipe",
        Outcome.NO_LAWFUL_BASIS: "Fin : rien n’autorise à écrire à ce client",
        Outcome.NOT_ELIGIBLE: "Fin : le client ne répond aux critères d’aucune séquence",
        Outcome.EXHAUSTED: "Fin : toutes les étapes sont passées",
        Outcome.EXPIRED: "Fin : le panier était trop ancien",
    },
    channels={Channel.EMAIL: "e-mail", Channel.SMS: "SMS", Channel.PUSH: "notification", Channel.CALL: "téléphone"},
    several={Spread.FIRST: " ou ", Spread.ALL: " et "},
    verdicts={
        Verdict.SENT: "« {step} » envoyé par {channel}{basis}",
        Verdict.HANDED_OVER: "« {step} » remis au fournisseur ({channel})",
        Verdict.SKIPPED: "« {step} » non envoyé : {reason}",
        Verdict.LATER: "« {step} » reporté{until} : {reason}",
        Verdict.UNKNOWN: "« {step} » : nul ne sait s’il est arrivé ; {reason}",
        Verdict.STOPPED: "« {step} » non envoyé et relance arrêtée : {reason}",
    },
    bases={
        Basis.CONSENT: " (avec son consentement du {moment} : {source})",
        Basis.SOFT_OPT_IN: " (déjà client de produits similaires : {source})",
    },
    acts={
        ActName.CANCEL: "Annulée par {actor}{reason}",
        ActName.PAUSE: "Mise en pause par {actor}{reason}",
        ActName.RESUME: "Reprise par {actor}{reason}",
        ActName.SEND_NOW: "Envoi immédiat de la prochaine étape demandé par {actor}{reason}",
        ActName.OPT_OUT: "Désinscription enregistrée par {actor}{reason}",
        ActName.PAUSE_ALL: "Envois suspendus par {actor}{reason}",
        ActName.RESUME_ALL: "Envois repris par {actor}{reason}",
        ActName.ADVANCE: "Répétition : horloge avancée par {actor}{reason}",
        ActName.JOIN: "Deux fiches réunies en une personne par {actor}{reason}",
        ActName.PART: "Deux fiches séparées par {actor}{reason}",
    },
    results={
        CallResult.REACHED: "client joint",
        CallResult.NO_ANSWER: "pas de réponse",
        CallResult.DECLINED: "le client ne veut plus d’appels",
        CallResult.OTHER: "autre",
    },
    phrases={
        "cart": "Panier repéré : {items}, {value} ; on attend qu’il reste calme",
        "cart_gone": "Panier repéré ; on attend qu’il reste calme",
        "item": "{n} article",
        "items": "{n} articles",
        "inactive": "Sans nouvelles du client depuis le {since}",
        "began": "J0 : la relance « {policy} » commence, segment « {segment} »",
        "held_out": "J0 : groupe témoin de « {policy} », aucun message ne partira",
        "accepted": "« {step} » : message accepté par {provider}",
        "asked": "« {step} » : rappel téléphonique confié à l’équipe{basis}",
        "called": "« {step} » : rappel clos par {actor}, {result}{note}",
        "order": "commande {order} du {moment}",
        "account": "un compte",
        "one_click": "Le client s’est désinscrit par le lien d’un message",
        "preferences": "Le client s’est désinscrit sur sa page de préférences",
        "until": " jusqu’au {moment}",
        "quiet": "Ensuite : la relance commence le {moment} si le panier reste calme",
        "next": "Ensuite : « {step} » par {channel}, le {moment}",
        "planned": "Plus tard : « {step} » par {channel}, le {moment}",
        "paused": "En pause : rien ne part avant la reprise",
    },
)

ENGLISH = Texts(
    months="Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    moment="{day} {month} at {time}",
    reasons={
        Reason.SENT: "every condition was met",
        Reason.JOURNEY_CLOSED: "the journey is already over",
        Reason.PAUSED: "the journey is paused",
        Reason.ERASED: "the customer's data were erased",
        Reason.OPTED_OUT: "the customer wants no more messages on this channel",
        Reason.SUPPRESSED: "this address takes no more messages",
        Reason.SNOOZED: "the customer asked for a break",
        Reason.NO_ADDRESS: "there is no usable address for this channel",
        Reason.PURCHASED: "the customer has ordered",
        Reason.REENGAGED: "the customer came back unasked",
        Reason.CART_EMPTIED: "the cart was emptied",
        Reason.KILL_SWITCH: "staff has suspended sending",
        Reason.STOREFRONT_AWAY: "the shop could not say whether the customer has ordered",
        Reason.ACTIVE_NOW: "the customer is in the shop right now",
        Reason.NOT_ELIGIBLE: "the customer meets the criteria of no sequence",
        Reason.WHEN: "this step's own condition is not met",
        Reason.TEMPLATE_MISSING: "the message's template does not exist",
        Reason.TEMPLATE_ERROR: "the message's template has an error",
        Reason.NO_LAWFUL_BASIS: "neither consent nor an earlier purchase allows this message",
        Reason.QUIET_HOURS: "these are quiet hours where the customer lives",
        Reason.PRESSURE: "the customer has had enough messages lately",
        Reason.OUTRANKED: "a more important message goes out at the same time",
        Reason.OUT_OF_STOCK: "no item of the cart is in stock any more",
        Reason.HOLDOUT: "the customer is in the control group, which gets nothing",
        Reason.WINDOW_ENDED: "the time in which this step is useful is over",
        Reason.CHANNEL_MISSING: "no provider is set up for this channel",
        Reason.ALREADY_SENT: "this message was handed over before",
        Reason.PROVIDER_DOWN: "the provider does not take the message at the moment",
        Reason.PROVIDER_REFUSED: "the provider refuses this message or this address",
        Reason.PROVIDER_MISCONFIGURED: "the provider refuses our account: check the settings",
        Reason.RESTORED: "the store was restored from a backup since; to be safe nothing is sent again",
        Reason.NO_PROOF: "the line broke before the confirmation; to be safe nothing is sent again",
        Reason.EXPIRED: "the cart was too old",
    },
    outcomes={
        Outcome.ERASED: "End: the customer's data were erased",
        Outcome.OPTED_OUT: "End: the customer unsubscribed",
        Outcome.PURCHASED: "End: the customer ordered",
        Outcome.REENGAGED: "End: the customer came back unasked",
        Outcome.CART_EMPTIED: "End: the cart was emptied",
        Outcome.CANCELLED: "End: cancelled by staff",
        Outcome.NO_LAWFUL_BASIS: "End: nothing allows writing to this customer",
        Outcome.NOT_ELIGIBLE: "End: the customer meets the criteria of no sequence",
        Outcome.EXHAUSTED: "End: every step is done",
        Outcome.EXPIRED: "End: the cart was too old",
    },
    channels={Channel.EMAIL: "e-mail", Channel.SMS: "SMS", Channel.PUSH: "push message", Channel.CALL: "telephone"},
    several={Spread.FIRST: " or ", Spread.ALL: " and "},
    verdicts={
        Verdict.SENT: "“{step}” sent by {channel}{basis}",
        Verdict.HANDED_OVER: "“{step}” handed to the provider ({channel})",
        Verdict.SKIPPED: "“{step}” not sent: {reason}",
        Verdict.LATER: "“{step}” put off{until}: {reason}",
        Verdict.UNKNOWN: "“{step}”: nobody knows whether it arrived; {reason}",
        Verdict.STOPPED: "“{step}” not sent, and the journey ends: {reason}",
    },
    bases={
        Basis.CONSENT: " (with consent of {moment}: {source})",
        Basis.SOFT_OPT_IN: " (a customer of similar products: {source})",
    },
    acts={
        ActName.CANCEL: "Cancelled by {actor}{reason}",
        ActName.PAUSE: "Paused by {actor}{reason}",
        ActName.RESUME: "Resumed by {actor}{reason}",
        ActName.SEND_NOW: "Next step asked for at once by {actor}{reason}",
        ActName.OPT_OUT: "Objection recorded by {actor}{reason}",
        ActName.PAUSE_ALL: "Sending suspended by {actor}{reason}",
        ActName.RESUME_ALL: "Sending resumed by {actor}{reason}",
        ActName.ADVANCE: "Rehearsal: clock moved ahead by {actor}{reason}",
        ActName.JOIN: "Two records joined as one person by {actor}{reason}",
        ActName.PART: "Two records parted by {actor}{reason}",
    },
    results={
        CallResult.REACHED: "customer reached",
        CallResult.NO_ANSWER: "no answer",
        CallResult.DECLINED: "the customer wants no more calls",
        CallResult.OTHER: "other",
    },
    phrases={
        "cart": "Cart seen: {items}, {value}; waiting for it to stay quiet",
        "cart_gone": "Cart seen; waiting for it to stay quiet",
        "item": "{n} item",
        "items": "{n} items",
        "inactive": "No sign of the customer since {since}",
        "began": "J0: the journey “{policy}” begins, segment “{segment}”",
        "held_out": "J0: control group of “{policy}”, no message will go out",
        "accepted": "“{step}”: message accepted by {provider}",
        "asked": "“{step}”: staff was asked to call{basis}",
        "called": "“{step}”: call-back closed by {actor}, {result}{note}",
        "order": "order {order} of {moment}",
        "account": "an account",
        "one_click": "The customer unsubscribed by the link of a message",
        "preferences": "The customer unsubscribed on their preference page",
        "until": " until {moment}",
        "quiet": "Next: the journey begins on {moment} if the cart stays quiet",
        "next": "Next: “{step}” by {channel}, on {moment}",
        "planned": "Later: “{step}” by {channel}, on {moment}",
        "paused": "Paused: nothing goes out before it is resumed",
    },
)


def texts(language: Language) -> Texts:
    """Return the words of a language."""
    return FRENCH if language == "fr" else ENGLISH


def moment_in(at: datetime, zone: str, words: Texts) -> str:
    """Return a moment as people in this zone say it."""
    local = at.astimezone(ZoneInfo(zone))
    return words.moment.format(day=local.day, month=words.months.split()[local.month - 1], time=f"{local:%H:%M}")
