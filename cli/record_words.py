"""What the record of processing says, in French and English; braces are filled from the settings."""

from collections.abc import Mapping
from typing import Literal

Words = Mapping[str, str]
Rows = tuple[tuple[str, str], ...]
Language = Literal["fr", "en"]

WORDS: Mapping[Language, Words] = {
    "fr": {
        "title": "Registre des activités de traitement",
        "subtitle": "Relances de paniers et de clients inactifs, avec Relaunch (article 30 du RGPD)",
        "made": "Établi le {date} d’après les réglages de cette installation. Les cases vides sont à compléter.",
        "controller": "Responsable du traitement",
        "shop": "Boutique",
        "address": "Adresse postale",
        "site": "Site",
        "contact": "Contact",
        "privacy": "Politique de confidentialité",
        "representative": "Représentant et délégué à la protection des données",
        "joint": "Responsables conjoints",
        "purposes": "Finalités et bases légales",
        "purpose": "Finalité",
        "basis": "Base légale",
        "people": "Personnes et données",
        "persons": "Personnes",
        "recipients": "Destinataires",
        "recipient": "Destinataire",
        "gets": "Ce qu’il reçoit",
        "place": "Contrat (art. 28), pays et garanties d’un transfert hors UE",
        "terms": "Durées de conservation",
        "what": "Données",
        "term": "Durée",
        "measures": "Mesures de sécurité",
        "yours": "À compléter par la boutique",
        "none": "n’est pas réglé",
        "fill": "à compléter",
        "days": "{days} jours",
    },
    "en": {
        "title": "Record of processing activities",
        "subtitle": "Bringing back carts and inactive customers, with Relaunch (article 30 GDPR)",
        "made": "Made on {date} from the settings of this installation. Empty fields are for you to fill in.",
        "controller": "Controller",
        "shop": "Shop",
        "address": "Postal address",
        "site": "Site",
        "contact": "Contact",
        "privacy": "Privacy notice",
        "representative": "Representative and data protection officer",
        "joint": "Joint controllers",
        "purposes": "Purposes and legal bases",
        "purpose": "Purpose",
        "basis": "Legal basis",
        "people": "People and data",
        "persons": "People",
        "recipients": "Recipients",
        "recipient": "Recipient",
        "gets": "What they receive",
        "place": "Contract (art. 28), country, and safeguards of a transfer outside the EU",
        "terms": "Retention",
        "what": "Data",
        "term": "Kept for",
        "measures": "Security measures",
        "yours": "For the shop to fill in",
        "none": "not set",
        "fill": "to be filled in",
        "days": "{days} days",
    },
}
"""Headings and labels."""

SCOPES: Mapping[Language, Words] = {
    "fr": {
        "none": "consentement seulement",
        "buyers_only": "consentement, ou vente antérieure de produits similaires (acheteurs seulement)",
        "buyers_and_accounts": "consentement, ou vente antérieure de produits similaires (acheteurs et titulaires d’un "
        "compte)",
    },
    "en": {
        "none": "consent only",
        "buyers_only": "consent, or an earlier sale of similar products (buyers only)",
        "buyers_and_accounts": "consent, or an earlier sale of similar products (buyers and account holders)",
    },
}
"""By `soft_opt_in_scope`: ePrivacy directive 2002/58, article 13; in France CPCE, article L34-5."""

PURPOSES: Mapping[Language, Rows] = {
    "fr": (
        ("Rappeler un panier laissé, par e-mail, SMS ou téléphone", "{scope}"),
        ("Reprendre contact avec un client inactif", "{scope}"),
        (
            "Choisir le moment, le message et l’offre (segments, scores RFM et d’engagement), sans effet juridique",
            "{scope}",
        ),
        (
            "Mesurer les ouvertures et les clics d’une personne",
            "consentement propre à cette mesure, redemandé à chaque trace",
        ),
        ("Honorer les oppositions et prouver les consentements", "obligation légale (RGPD, art. 7 et 21)"),
        ("Prouver ce qui a été envoyé, ou non, et pourquoi", "responsabilité (RGPD, art. 5) ; intérêt légitime"),
    ),
    "en": (
        ("Reminding people of a cart they left, by e-mail, text message or telephone", "{scope}"),
        ("Getting back in touch with inactive customers", "{scope}"),
        ("Choosing moment, message and offer (segments, RFM and engagement scores), without legal effect", "{scope}"),
        ("Measuring one person’s opens and clicks", "a consent of its own, checked again at every hit"),
        ("Honouring objections and proving consents", "legal obligation (GDPR, art. 7 and 21)"),
        ("Proving what was sent, or not, and why", "accountability (GDPR, art. 5); legitimate interest"),
    ),
}

PEOPLE: Mapping[Language, Rows] = {
    "fr": (
        (
            "Clients et prospects",
            "identité et contact : e-mail, téléphone, prénom, langue, pays, fuseau horaire, identifiant de la boutique",
        ),
        (
            "",
            "comportement : paniers, commandes, produits vus, visites, clics ; dernière ouverture, avec consentement",
        ),
        ("", "consentements et oppositions avec leur preuve : canal, finalité, texte, source, date, auteur"),
        ("", "messages envoyés et ce qu’ils sont devenus ; décisions d’envoi et leurs motifs"),
        ("", "caractéristiques libres envoyées par la boutique : aucune donnée sensible n’est demandée, vérifiez-les"),
        ("Équipe de la boutique", "nom de la clé, actes et motifs"),
    ),
    "en": (
        (
            "Customers and prospects",
            "identity and contact: e-mail, telephone, first name, language, country, time zone, the shop’s own id",
        ),
        (
            "",
            "behaviour: carts, orders, products viewed, visits, clicks; the date of the last open, with consent",
        ),
        ("", "consents and objections with their proof: channel, purpose, wording, source, date, who passed them on"),
        ("", "messages sent and what became of them; decisions to send or not, with their reasons"),
        ("", "free traits that the shop sends: none that is sensitive is asked for, check yours"),
        ("Staff of the shop", "the name of the key, acts and reasons"),
    ),
}

RECIPIENTS: Mapping[Language, Words] = {
    "fr": {
        "email": "Fournisseur d’e-mail : {name}",
        "files": "E-mail : dossier de cette machine, rien ne part",
        "sms": "Fournisseur de SMS : {name}",
        "crm": "Système de la boutique (CRM) : {name}",
        "store": "Base de données : {name}",
        "temporal": "Orchestration : Temporal, {name}",
        "staff": "Équipe de la boutique, par clés nommées",
        "here": "sur cette machine",
        "gets_message": "adresse ou numéro, texte du message",
        "gets_nothing": "rien ne quitte la machine",
        "gets_all": "toutes les données, pour les stocker",
        "gets_told": "identifiant client de la boutique, sinon adresse ou numéro ; consentements, oppositions, issues",
        "gets_ids": "des identifiants seulement, aucune donnée nominative",
        "gets_asked": "ce qu’elle consulte",
    },
    "en": {
        "email": "E-mail provider: {name}",
        "files": "E-mail: a folder of this machine, nothing leaves it",
        "sms": "Text message provider: {name}",
        "crm": "System of the shop (CRM): {name}",
        "store": "Database: {name}",
        "temporal": "Orchestration: Temporal, {name}",
        "staff": "Staff of the shop, by named keys",
        "here": "on this machine",
        "gets_message": "address or number, text of the message",
        "gets_nothing": "nothing leaves the machine",
        "gets_all": "all data, to store them",
        "gets_told": "the shop's id of a customer, else address or number; consents, objections, outcomes",
        "gets_ids": "ids only, nothing that names anybody",
        "gets_asked": "what they look at",
    },
}

TERMS: Mapping[Language, Rows] = {
    "fr": (
        (
            "Clients et prospects, avec tout ce qui les concerne",
            "{people} après leur dernière action (une ouverture n’en est pas une)",
        ),
        ("Comportement", "{people}"),
        ("Texte des messages", "{messages}"),
        ("Oppositions d’une personne effacée", "empreinte à clé, tant que l’opposition tient"),
        ("Ventes et chiffres sans nom, certificats d’effacement", "sans limite : ils ne désignent personne"),
    ),
    "en": (
        (
            "Customers and prospects, with everything about them",
            "{people} after their last own action (an open is none)",
        ),
        ("Behaviour", "{people}"),
        ("Text of messages", "{messages}"),
        ("Objections of somebody erased", "a keyed hash, for as long as the objection stands"),
        ("Sales and figures without a name, certificates of erasure", "without limit: they point at nobody"),
    ),
}

YOURS: Mapping[Language, tuple[str, ...]] = {
    "fr": (
        "Sauvegardes : lieu, durée",
        "Chiffrement des disques",
        "Accès à la machine",
        "Analyse d’impact, si elle est requise",
    ),
    "en": (
        "Backups: where, for how long",
        "Encryption of disks",
        "Access to the machine",
        "Impact assessment, if required",
    ),
}
