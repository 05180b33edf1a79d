"""Which fields rows can fill, and a guess which column of a file is which."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum

from crm.domain.notations import Doubt, doubt_of, is_date

SAMPLES, SAMPLE_LENGTH = 3, 80


class Resource(StrEnum):
    """What a file holds."""

    CLIENTS = "clients"
    DEALS = "deals"
    ACTIVITIES = "activities"


# Every field with what other programs call it, in English, German, French and Spanish.
FIELDS: dict[Resource, dict[str, str]] = {
    Resource.CLIENTS: {
        "name": "client|customer|company|company name|organization|organisation|account"
        "|account name|full name|contact|contact name|person|first name|given name|last name"
        "|family name|surname|firma|firmenname|kunde|unternehmen|vorname|nachname|client name"
        "|customer name|entreprise|société|nom|prénom|empresa|nombre|cliente|razón social",
        "kind": "type|client type|record type|kind of client|art|typ|tipo",
        "external_id": "id|record id|client id|customer id|account id|contact id"
        "|organization id|person id|external id|reference|kundennummer|kunden-nr|nr|number",
        "emails": "email|e-mail|mail|email address|e-mail address|e-mail adresse|work email"
        "|email 1|email 2|home email|correo|correo electrónico|courriel|adresse e-mail",
        "phones": "phone|telephone|tel|mobile|mobile phone|phone number|work phone|phone 1"
        "|phone 2|telefon|telefonnummer|handy|mobil|téléphone|portable|teléfono|móvil",
        "address": "street|street address|postal address|billing address|city|zip|postcode"
        "|zip code|postal code|state|region|country|adresse|anschrift|strasse|straße|plz|ort"
        "|stadt|land|rue|ville|code postal|pays|dirección|ciudad|código postal|país"
        "|office location",
        "website": "web|web site|homepage|url|domain|company domain name|webseite|site web"
        "|sitio web",
        "owner": "account owner|contact owner|responsible|assigned to|sales rep|zuständig"
        "|inhaber|propriétaire|responsable|propietario",
        "tags": "tag|labels|label|categories|category|industry|sector|segment|branche"
        "|schlagworte|étiquettes|etiquetas",
        "notes": "note|description|comment|comments|remarks|notizen|notiz|bemerkung|kommentar"
        "|remarques|notas|comentarios",
        "created_at": "created|created on|create date|date created|created date|add time"
        "|client since|customer since|erstellt|erstellt am|angelegt|date de création"
        "|fecha de creación",
        "parent": "parent|parent company|parent account|belongs to|employer|subsidiary of"
        "|associated company|mutterfirma|société mère|empresa matriz",
    },
    Resource.DEALS: {
        "name": "deal|deal name|title|deal title|opportunity|opportunity name|project"
        "|project name|subject|projekt|auftrag|titel|bezeichnung|affaire|titre|projet|negocio"
        "|proyecto|oportunidad",
        "external_id": "id|record id|deal id|opportunity id|external id|reference|nr|number",
        "client": "client name|customer|customer name|company|company name|account"
        "|account name|organization|organisation|associated company|contact|contact person"
        "|kunde|firma|société|entreprise|cliente|empresa",
        "stage": "deal stage|pipeline stage|status|state|phase|stufe|étape|statut|etapa|estado",
        "owner": "deal owner|opportunity owner|account owner|sales rep|sales agent"
        "|responsible|assigned to|zuständig|propriétaire|propietario|responsable",
        "amount": "value|deal value|price|total|revenue|budget|close value|sum|betrag|wert"
        "|preis|summe|volumen|montant|valeur|prix|importe|valor|precio",
        "currency": "deal currency|currency code|currency iso code|währung|devise|moneda",
        "source": "lead source|deal source|origin|channel|original source|herkunft|quelle"
        "|kanal|origine|fuente|origen",
        "created_at": "created|created on|create date|created date|date created|deal created"
        "|add time|engage date|start date|opened|erstellt|erstellt am|angelegt"
        "|date de création|fecha de creación",
        "entered_stage_at": "last stage change|stage change date|stage entered|in stage since",
        "closed_at": "closed|closed on|won time|lost time|won date|lost date|close time"
        "|date closed|deal closed|close date|closing date|abgeschlossen|abgeschlossen am"
        "|date de clôture|fecha de cierre",
        "expected_close_date": "expected close|expected closing date|forecast close date"
        "|due date|estimated close date|expected|expected date|expected on|expected by|est close"
        "|estimated close|anticipated close date|projected close date|target close date"
        "|forecast date|target date|erwartet|erwartet am|erwarteter abschluss|abschlussdatum"
        "|clôture prévue|cierre previsto",
        "lost_reason": "loss reason|reason lost|closed lost reason|lost because|verlustgrund"
        "|raison de la perte|motivo de pérdida",
        "next_step": "next|next action|next activity|nächster schritt|prochaine étape|próximo paso",
        "tags": "tag|labels|label|category|categories|product|schlagworte|étiquettes|etiquetas",
    },
    Resource.ACTIVITIES: {
        "subject": "title|activity|activity title|task|task name|name|summary|betreff|titel"
        "|aufgabe|sujet|titre|objet|asunto|título|tarea",
        "kind": "type|activity type|art|typ|tipo",
        "body": "note|notes|description|details|comment|comments|beschreibung|notizen"
        "|bemerkung|remarques|notas|descripción",
        "client": "client name|customer|company|organization|account|contact|contact person"
        "|kunde|firma|société|cliente|empresa",
        "deal": "deal name|deal title|opportunity|project|projekt|affaire|negocio|proyecto",
        "owner": "assigned to|assigned to user|responsible|user|zuständig|responsable|propietario",
        "due_at": "due|due date|date|start|start date|deadline|when|datum|fällig|fällig am"
        "|termin|échéance|fecha|vencimiento",
        "remind_at": "reminder|remind|remind on|erinnerung|rappel|recordatorio",
        "done_at": "done|completed|complete|is done|marked as done time|done on"
        "|completion date|status|erledigt|erledigt am|terminé|hecho|completado",
        "created_at": "created|created on|create date|add time|erstellt|erstellt am"
        "|date de création|fecha de creación",
    },
}
NEEDED = {Resource.CLIENTS: "name", Resource.DEALS: "name", Resource.ACTIVITIES: "subject"}
# What several columns may be parts of, and what stands between these.
JOINED = {"name": " ", "address": ", ", "emails": ";", "phones": ";", "tags": ";", "notes": "\n"}
# What can be written in two ways goes into these, and into fields of the workspace's own.
IN_DOUBT = {
    Doubt.MARK: {"amount"},
    Doubt.ORDER: {
        *("created_at", "entered_stage_at", "closed_at", "expected_close_date"),
        *("due_at", "remind_at", "done_at"),
    },
}
# Only these are told apart by what stands in them.
_BY_CONTENT = {"emails": 0.7, "website": 0.6, "created_at": 0.3}
_ALIKE = 0.85
# People come with a name in parts; then a company is whom they stand under.
_NAME_PARTS = "first name|given name|last name|family name|surname|vorname|nachname|prenom|apellido"
_COMPANIES = (
    "company|company name|organization|organisation|account|account name|firma|firmenname"
    "|unternehmen|entreprise|societe|empresa|associated company"
)
_PARTS, _COMPANY = frozenset(_NAME_PARTS.split("|")), frozenset(_COMPANIES.split("|"))
_FULL = frozenset({"name", "full name", "contact name", "client name"})
_WORDS = re.compile(r"[^\w]+")
_PREFIX = re.compile(
    r"^(deal|organization|organisation|person|activity|contact|company|lead) [-–:] "
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_URL = re.compile(r"(https?://)?(www\.)?[\w-]+(\.[\w-]+)+(/\S*)?", re.ASCII)


@dataclass
class Column:
    """A column of a file, as its header and its cells show it."""

    header: str
    samples: list[str] = field(default_factory=list)
    doubts: set[Doubt] = field(default_factory=set)
    field: str = ""
    confidence: float = 0.0
    _filled: int = 0
    _emails: int = 0
    _urls: int = 0
    _dates: int = 0

    def see(self, cell: str) -> None:
        """Take one cell into account."""
        if not cell:
            return
        self._filled += 1
        self._emails += bool(_EMAIL.fullmatch(cell))
        self._urls += bool(_URL.fullmatch(cell))
        self._dates += is_date(cell)
        if doubt := doubt_of(cell):
            self.doubts.add(doubt)
        sample = cell[:SAMPLE_LENGTH].replace("\0", "\ufffd")  # PostgreSQL stores no zeros
        if len(self.samples) < SAMPLES and sample not in self.samples:
            self.samples.append(sample)

    def looks_like(self, name: str) -> bool:
        """Whether most cells could stand in such a field."""
        seen = {"emails": self._emails, "website": self._urls, "created_at": self._dates}[name]
        return self._filled > 0 and seen >= 0.8 * self._filled


def guess(
    resource: Resource, columns: Sequence[Column], customs: Mapping[str, str] | None = None
) -> None:
    """Say of each column into which field it goes, and how sure that is.

    `customs` are the workspace's own fields: how an import calls them, and their names.

    Every field is given once, to the column that is surest of it; those made of several parts go
    to all that are named for one.
    """
    headers = {folded(column.header) for column in columns}
    in_parts = resource is Resource.CLIENTS and len(headers & _PARTS) > 1 and not headers & _FULL
    wishes = [
        (confidence, -number, name, column)
        for number, column in enumerate(columns)
        for name, confidence in (
            *_wishes(resource, column, in_parts=in_parts),
            *_custom_wishes(column, customs or {}),
        )
    ]
    taken: set[str] = set()
    for confidence, _, name, column in sorted(wishes, key=lambda wish: wish[:3], reverse=True):
        again = name in JOINED and confidence >= _ALIKE and (name != "name" or in_parts)
        if column.field or (name in taken and not again):
            continue
        column.field, column.confidence = name, round(confidence, 2)
        taken.add(name)


def _wishes(resource: Resource, column: Column, *, in_parts: bool) -> list[tuple[str, float]]:
    header = folded(_PREFIX.sub("", column.header.lower()))
    if in_parts and header in _COMPANY:
        return [("parent", 0.9)]
    if in_parts and header in _PARTS:
        return [("name", 0.95)]
    wishes = []
    for name, others in FIELDS[resource].items():
        own = folded(name)
        if header == own or column.header.strip().lower() == name:
            wishes.append((name, 1.0))
            continue
        synonyms = [folded(other) for other in others.split("|")]
        if header in synonyms:
            # The earlier it is named, the less it is a mere part or another thing elsewhere.
            wishes.append((name, 0.95 - 0.001 * synonyms.index(header)))
        elif len(header) > 3:
            alike = max(SequenceMatcher(None, header, o).ratio() for o in (own, *synonyms))
            if alike >= _ALIKE:
                wishes.append((name, alike * 0.9))
    wishes += [
        (name, confidence)
        for name, confidence in _BY_CONTENT.items()
        if name in FIELDS[resource] and column.looks_like(name)
    ]
    return wishes


def _custom_wishes(column: Column, customs: Mapping[str, str]) -> list[tuple[str, float]]:
    header = folded(column.header)
    wishes = []
    for own, name in customs.items():
        if header == folded(name) or column.header.strip().lower() == own:
            wishes.append((own, 1.0))
        elif len(header) > 3:
            alike = SequenceMatcher(None, header, folded(name)).ratio()
            if alike >= _ALIKE:
                wishes.append((own, alike * 0.9))
    return wishes


def folded(text: str) -> str:
    """Small letters without accents and punctuation, one blank between words."""
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return _WORDS.sub(" ", plain.replace("_", " ")).strip()
