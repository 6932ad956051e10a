"""What the preference page says, in French and English; what stands beside a box is what a consent refers to."""

from collections.abc import Mapping
from typing import Final

from api.language import Language
from models.preferences import Choice
from models.situation import SuppressionReason

NAMES: Final[Mapping[Language, str]] = {"fr": "Français", "en": "English"}
"""What each language calls itself."""

LABELS: Final[Mapping[Language, Mapping[Choice, tuple[str, str]]]] = {
    "fr": {
        Choice.EMAIL: ("E-mail", "Je veux bien recevoir par e-mail les rappels et les offres de {shop}."),
        Choice.SMS: ("SMS", "Je veux bien recevoir par SMS les rappels et les offres de {shop}."),
        Choice.CART_REMINDERS: ("Rappels de panier", "Un rappel quand je laisse des articles dans mon panier."),
        Choice.WIN_BACK: (
            "Nouvelles de la boutique",
            "Des nouvelles, parfois une offre, quand ma dernière visite date un peu.",
        ),
        Choice.OPEN_TRACKING: (
            "Ouvertures",
            "{shop} peut savoir, grâce à une image invisible, si et quand j’ouvre ses e-mails.",
        ),
        Choice.CLICK_TRACKING: ("Clics", "{shop} peut savoir sur quels liens de ses e-mails je clique, et quand."),
        Choice.PAUSE: ("Pause de 30 jours", "Ni rappel ni offre pendant 30 jours. Le reste ne change pas."),
    },
    "en": {
        Choice.EMAIL: ("E-mail", "I am happy to receive reminders and offers from {shop} by e-mail."),
        Choice.SMS: ("Text message", "I am happy to receive reminders and offers from {shop} by text message."),
        Choice.CART_REMINDERS: ("Cart reminders", "A reminder when I leave items in my cart."),
        Choice.WIN_BACK: ("News from the shop", "News, and sometimes an offer, when my last visit was a while ago."),
        Choice.OPEN_TRACKING: (
            "Opens",
            "{shop} may see, by means of an invisible picture, whether and when I open its e-mails.",
        ),
        Choice.CLICK_TRACKING: ("Clicks", "{shop} may see which links in its e-mails I click, and when."),
        Choice.PAUSE: ("30-day break", "No reminder and no offer for 30 days. Nothing else changes."),
    },
}
"""The name of each box, and the sentence to which a tick says yes."""

CLOSED: Final[Mapping[Language, Mapping[SuppressionReason, str]]] = {
    "fr": {
        SuppressionReason.COMPLAINT: "Vous avez signalé nos messages comme indésirables\u00a0: nous n’écrivons plus à "
        "{this}. Cette case ne suffit pas à le changer\u00a0; écrivez-nous si vous le souhaitez.",
        SuppressionReason.BOUNCE: "Nos messages à {this} nous reviennent\u00a0: nous ne nous en servons plus, quoi que "
        "dise cette case. Écrivez-nous pour y remédier.",
        SuppressionReason.SOFT_BOUNCES: "Nos derniers messages à {this} ne sont pas arrivés\u00a0: nous n’y écrivons "
        "pas pendant quelques jours.",
        SuppressionReason.OBJECTION: "Nos messages à {this} ont été refusés sous un autre nom\u00a0: cette case ne "
        "suffit pas à le changer. Écrivez-nous si vous le souhaitez.",
    },
    "en": {
        SuppressionReason.COMPLAINT: "You reported our messages as unwanted, so we no longer write to {this}. This box "
        "alone does not change that; write to us if you would like us to.",
        SuppressionReason.BOUNCE: "Our messages to {this} come back, so we no longer use it, whatever this box says. "
        "Write to us to correct it.",
        SuppressionReason.SOFT_BOUNCES: "Our latest messages to {this} did not arrive, so we are leaving it in peace "
        "for a few days.",
        SuppressionReason.OBJECTION: "Our messages to {this} were declined under another name. This box alone does "
        "not change that; write to us if you would like us to.",
    },
}
"""Why a channel stays closed, whatever its box says."""

PHRASES: Final[Mapping[Language, Mapping[str, str]]] = {
    "fr": {
        "title": "Vos préférences",
        "intro": "Choisissez ce que {shop} peut vous envoyer. Rien ne change tant que vous n’enregistrez pas. Les "
        "messages sur vos commandes continuent toujours.",
        "channels": "Comment vous écrire",
        "topics": "À quel sujet",
        "measures": "Ce que nous mesurons",
        "measures_hint": "Rien, sauf si vous cochez. Cela sert à évaluer nos e-mails et à les adapter à votre intérêt. "
        "Refuser ne vous prive de rien. Si vous décochez, nous n’enregistrons plus rien, même pour les "
        "e-mails déjà envoyés.",
        "pause": "Faire une pause",
        "paused": "En pause jusqu’au {date}",
        "paused_hint": "Décochez pour reprendre dès maintenant.",
        "language": "Langue des messages",
        "save": "Enregistrer",
        "leave": "Ne plus rien recevoir",
        "leave_hint": "Arrête tout en une fois, tout de suite.",
        "saved_title": "Vos préférences sont enregistrées",
        "saved": "C’est enregistré",
        "same_title": "Vos préférences n’ont pas changé",
        "same": "Rien n’a changé",
        "same_hint": "Vos préférences restent comme elles étaient.",
        "yes": "{name}\u00a0: oui",
        "no": "{name}\u00a0: non",
        "pause_no": "La pause est terminée",
        "new_language": "Langue\u00a0: {name}",
        "left": "Vous ne recevrez plus ni rappel ni offre.",
        "shop": "La boutique",
        "under_way": "Un message déjà parti peut encore vous parvenir.",
        "email_this": "cette adresse",
        "sms_this": "ce numéro",
    },
    "en": {
        "title": "Your preferences",
        "intro": "Choose what {shop} may send you. Nothing changes until you save. Messages about your orders always "
        "continue.",
        "channels": "How we may write to you",
        "topics": "What about",
        "measures": "What we measure",
        "measures_hint": "Nothing, unless you tick a box. It helps us judge our e-mails and fit them to your interest. "
        "Saying no costs you nothing. When you untick a box we stop recording, even for e-mails "
        "already sent.",
        "pause": "Take a break",
        "paused": "On a break until {date}",
        "paused_hint": "Untick to carry on right away.",
        "language": "Language of messages",
        "save": "Save",
        "leave": "Stop everything",
        "leave_hint": "Ends it all in one go, at once.",
        "saved_title": "Your preferences are saved",
        "saved": "Saved",
        "same_title": "Your preferences have not changed",
        "same": "Nothing has changed",
        "same_hint": "Your preferences are as they were.",
        "yes": "{name}: yes",
        "no": "{name}: no",
        "pause_no": "The break is over",
        "new_language": "Language: {name}",
        "left": "You will receive no more reminders and no more offers.",
        "shop": "The shop",
        "under_way": "A message already on its way may still reach you.",
        "email_this": "this address",
        "sms_this": "this number",
    },
}
"""Everything else."""
