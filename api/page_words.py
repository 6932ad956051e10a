"""What the plain pages say, in French and English."""

from collections.abc import Mapping

from api.language import Language
from models.vocabulary import Channel

WORDS: Mapping[Language, Mapping[str, str]] = {
    "fr": {
        Channel.EMAIL: "nos e-mails",
        Channel.SMS: "nos SMS",
        Channel.PUSH: "nos notifications",
        Channel.CALL: "nos appels",
        "by_email": "e-mail",
        "by_sms": "SMS",
        "by_push": "notification",
        "by_call": "téléphone",
        "shop": "La boutique",
        "ask_title": "Ne plus recevoir {channel}\u00a0?",
        "ask": "D’un clic, {shop} ne vous envoie plus ni rappels ni offres par {way}.\n"
        "C’est immédiat. Un message déjà parti peut encore vous parvenir.",
        "button": "Ne plus recevoir {channel}",
        "keep": "Rien ne change si vous quittez cette page. Les messages sur vos commandes continuent.",
        "done_title": "C’est fait",
        "done": "{shop} ne vous enverra plus ni rappels ni offres par {way}.\n"
        "Un message déjà parti peut encore vous parvenir. Les messages sur vos commandes continuent.",
        "preferences": "Choisir ce que je reçois",
        "gone_title": "Rien à régler ici",
        "gone": "{shop} n’a plus aucune donnée sur vous et ne vous écrit plus.\n"
        "Il n’y a donc plus rien à choisir, et rien à faire de votre part.",
        "forged_title": "Ce lien n’est pas valable",
        "forged": "Il est peut-être incomplet. Ouvrez-le directement depuis le message, sans le recopier.\n"
        "Vous pouvez aussi répondre au message pour vous désinscrire.",
        "away_title": "Un instant, s’il vous plaît",
        "away": "Votre demande n’a pas pu être enregistrée. Réessayez dans une minute.",
        "rehearsal": "Répétition : cette page fait partie d’un essai, aucun vrai client n’est concerné.",
        "privacy": "Vos données personnelles",
    },
    "en": {
        Channel.EMAIL: "our e-mails",
        Channel.SMS: "our text messages",
        Channel.PUSH: "our notifications",
        Channel.CALL: "our calls",
        "by_email": "e-mail",
        "by_sms": "text message",
        "by_push": "notification",
        "by_call": "telephone",
        "shop": "The shop",
        "ask_title": "Stop receiving {channel}?",
        "ask": "One click, and {shop} sends you no more reminders and no more offers by {way}.\n"
        "It takes effect at once. A message already on its way may still reach you.",
        "button": "Stop {channel}",
        "keep": "Nothing changes if you leave this page. Messages about your orders continue.",
        "done_title": "It’s done",
        "done": "{shop} will send you no more reminders and no more offers by {way}.\n"
        "A message already on its way may still reach you. Messages about your orders continue.",
        "preferences": "Choose what I receive",
        "gone_title": "Nothing to settle here",
        "gone": "{shop} holds no data about you any more and does not write to you.\n"
        "So there is nothing left to choose, and nothing you need to do.",
        "forged_title": "This link is not valid",
        "forged": "It may be incomplete. Open it from the message itself instead of copying it.\n"
        "You can also reply to the message to unsubscribe.",
        "away_title": "One moment, please",
        "away": "Your request could not be recorded. Try again in a minute.",
        "rehearsal": "Rehearsal: this page is part of a trial, no real customer is concerned.",
        "privacy": "Your personal data",
    },
}
