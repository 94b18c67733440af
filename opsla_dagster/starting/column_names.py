"""What names of columns mean, in the languages of the help desks that write them.

Belongs here: names of fields, of milestones in files with one row a case, of due dates, and the words of a vendor's verdict. Does not belong
here: statuses (`words`), and whether a column's contents bear out its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from opsla_dagster.starting.words import folded
from opsla_dagster.status import Signal

#: Field -> names of columns that mean it, the surest first; as `folded` has them, with `_` for a blank.
NAMES: dict[str, tuple[str, ...]] = {
    "case_id": (
        "case_id", "ticket_id", "incident_id", "issue_key", "issue_id", "request_id", "conversation_id", "case_number", "ticket_number",
        "incident_number", "request_number", "ticket_no", "ticket_nr", "ticket_num", "case_no", "case_key", "ticket_key", "case_concept_name",
        "service_request_number", "unique_key", "ticketnummer", "vorgangsnummer", "vorgangs_nr", "fallnummer", "anfragenummer", "storungsnummer", "vorgangsschlussel", "schlussel",
        "numero_de_ticket", "n_de_ticket", "no_de_ticket", "id_ticket", "id_du_ticket", "numero_du_ticket", "numero_demande",
        "numero_de_caso", "id_del_caso", "id_de_caso", "id_del_ticket", "no_de_caso", "n_de_caso", "numero_de_incidencia", "numero_del_ticket",
        "numero_do_chamado", "numero_do_ticket", "id_do_chamado", "id_do_ticket", "no_do_chamado", "n_do_chamado", "chamado", "protocolo",
        "numero_ticket", "id_richiesta", "numero_richiesta", "n_ticket", "incidentnummer", "meldingsnummer", "zaaknummer", "meldingnummer",
        "チケット番号", "チケットid", "案件番号", "問い合わせ番号", "問合せ番号", "インシデント番号", "受付番号", "チケット", "管理番号", "課題キー", "キー",
        "ticket", "case", "incident", "issue", "request", "incidencia", "vorgang", "caso", "demande", "richiesta", "melding", "zaak",
        "number", "numero", "nummer", "key", "cle", "clave", "chave", "chiave", "sleutel", "reference", "no", "nr", "id", "iid", "番号",
    ),
    "status": (
        "status", "state", "new_status", "to_status", "new_state", "ticket_status", "case_status", "incident_state", "incident_status",
        "issue_status", "request_status", "ticketstatus", "neuer_status", "zustand", "statut", "statut_du_ticket", "nouveau_statut", "etat", "estado",
        "estado_del_ticket", "nuevo_estado", "estatus", "estado_do_chamado", "situacao", "novo_status", "status_do_chamado", "stato",
        "nuovo_stato", "stato_del_ticket", "nieuwe_status", "ステータス", "状態", "状況", "新ステータス", "対応状況",
        "concept_name", "activity", "aktivitat", "activite", "actividad", "atividade", "attivita", "activiteit",
        "stage", "step", "event", "event_type", "action", "lifecycle_transition",
        "status_to", "state_to", "to", "to_string", "to_value", "new_value", "value_new", "neuer_wert", "nouvelle_valeur", "nuevo_valor", "novo_valor",
        "nuovo_valore", "nieuwe_waarde", "変更後",
    ),
    "event_ts": (
        "event_ts", "event_at", "event_time", "timestamp", "time_timestamp", "changed_at", "changed", "change_time", "changed_on",
        "complete_timestamp", "updated_at", "sys_updated_at", "sys_updated_on", "updated", "modified", "modified_at", "modified_on", "occurred_at",
        "transition_date", "event_date", "geandert_am", "geaendert_am", "geandert", "anderungsdatum", "aktualisiert_am", "aktualisiert", "zeitstempel",
        "modifie_le", "date_de_modification", "mis_a_jour_le", "derniere_modification", "horodatage", "modificado_el", "actualizado_el", "actualizado",
        "fecha_de_modificacion", "fecha_de_actualizacion", "fecha_de_cambio", "fecha_y_hora", "fecha_hora", "modificado_em", "atualizado_em",
        "data_de_modificacao", "data_de_atualizacao", "data_da_alteracao", "alterado_em", "data_hora", "data_e_hora", "modificato_il",
        "aggiornato_il", "data_modifica", "data_di_modifica", "data_aggiornamento", "data_ora", "data_e_ora", "gewijzigd_op", "bijgewerkt_op", "wijzigingsdatum",
        "tijdstip", "tijdstempel", "更新日時", "変更日時", "日時", "タイムスタンプ", "更新日", "変更日", "at", "time", "when", "datetime", "date", "ts",
        "datum", "zeitpunkt", "zeit", "fecha", "data", "date_stamp", "datestamp", "date_time", "update_time", "updated_time", "log_date", "log_time", "action_date",
        "action_time", "activity_date", "activity_time", "history_date", "audit_date", "entry_date", "edit_date", "status_date", "status_change_date", "performed_at", "created_at",
    ),
    "intake_ts": (
        "intake_ts", "intake_at", "opened_at", "opened", "created_at", "created", "created_on", "submitted_at", "submitted", "submit_date",
        "reported_at", "reported", "reported_date", "reported_on", "creation_date", "created_date", "create_time", "created_time", "creation_time", "creation_timestamp",
        "open_date", "opening_date", "opening_time", "opened_date", "opened_on", "date_opened", "add_date", "date_added", "date_created", "date_created_utc", "requested_datetime", "open_dt", "open_time", "start_date",
        "sys_created_at", "sys_created_on", "received_date", "date_received", "logged_at", "logged", "raised_at", "raised", "date_raised", "ticket_created",
        "create_date", "open_at", "requested", "requested_at", "request_date",
        "erstellt_am", "erstellt", "angelegt_am", "angelegt", "eroffnet_am", "eroffnet", "geoffnet_am", "geoffnet", "gemeldet_am", "gemeldet", "meldedatum", "erstellungsdatum", "eingegangen_am", "eingang", "eingangsdatum",
        "cree_le", "cree", "date_de_creation", "date_creation", "ouvert_le", "date_d_ouverture", "date_ouverture", "creado_el", "creado", "fecha_de_creacion",
        "fecha_creacion", "abierto_el", "fecha_de_apertura", "fecha_apertura", "criado_em", "criado", "data_de_criacao", "data_criacao", "aberto_em",
        "data_de_abertura", "data_abertura", "creato_il", "creato", "data_creazione", "data_di_creazione", "aperto_il", "data_apertura", "data_di_apertura",
        "aangemaakt_op", "aangemaakt", "geopend_op", "aanmaakdatum", "作成日時", "受付日時", "登録日時", "起票日時", "オープン日時", "作成日", "受付日",
    ),
    "ingestion_ts": ("ingestion_ts", "ingested_at", "loaded_at", "received_at", "recorded_at", "inserted_at"),
    "event_id": ("event_id", "log_id", "entry_id", "history_id", "audit_id", "change_id", "update_id", "transition_id"),
    "team": (
        "team", "assignment_group", "assigned_group", "support_group", "assigned_team", "group", "queue", "department", "dept", "agency",
        "resolver_group", "org_group", "gruppe", "zustandige_gruppe", "bearbeitergruppe", "warteschlange", "groupe", "equipe", "groupe_d_affectation",
        "file_d_attente", "grupo", "grupo_de_asignacion", "equipo", "cola", "departamento", "grupo_de_atribuicao", "fila", "setor", "gruppo",
        "gruppo_di_assegnazione", "squadra", "coda", "groep", "behandelgroep", "wachtrij", "グループ", "担当グループ", "チーム", "キュー", "担当部署", "部署",
    ),
    "agent": (
        "agent", "assigned_to", "assignee", "agent_name", "agent_id", "case_owner", "ticket_owner", "incident_owner", "owner", "owner_name", "technician", "resource", "org_resource", "user", "bearbeiter", "message_processor",
        "zugewiesen_an", "besitzer", "verantwortlicher", "technicien", "assigne_a", "attribue_a", "proprietaire", "agente", "asignado_a", "tecnico",
        "responsable", "propietario", "atribuido_a", "responsavel", "proprietario", "atendente", "assegnato_a", "operatore", "behandelaar", "toegewezen_aan", "eigenaar",
        "担当者", "担当", "割り当て先",
    ),
    "author_kind": ("author_kind", "author_type", "author_role", "actor_type", "sender_type", "from_type"),
    "merged_into": (
        "merged_into", "merged_into_id", "merged_to", "merged_with", "merge_target", "duplicate_of", "duplicate_of_id", "master_ticket", "master_id",
        "parent_ticket", "parent_ticket_id", "parent_sr_number", "parent_request", "parent_case", "parent_incident", "parent_id", "parent", "zusammengefuhrt_mit", "duplikat_von", "fusionne_avec",
        "fusionado_con", "mesclado_com", "duplicado_de", "samengevoegd_met", "統合先",
    ),
    "updated_ts": (
        "updated_ts", "updated_at", "updated", "updated_on", "update_date", "last_updated", "last_update", "last_update_time", "last_updated_at", "last_modified",
        "last_modified_date", "modified", "modified_at", "sys_updated_on", "resolution_action_updated_date", "aktualisiert_am", "geandert_am", "modifie_le",
        "mis_a_jour_le", "derniere_modification", "actualizado_el", "actualizado", "atualizado_em", "aggiornato_il", "bijgewerkt_op", "更新日時",
    ),
    "reopen_count": ("reopen_count", "reopens", "reopened_count", "number_of_reopens", "times_reopened"),
    "tier": ("tier", "support_tier", "support_level", "level", "line"),
    "case_type": (
        "case_type", "ticket_type", "issue_type", "request_type", "incident_type", "type", "contact_type", "kind", "typ", "art", "vorgangsart", "ticket_typ",
        "type_de_ticket", "tipo", "tipo_de_ticket", "tipo_de_chamado", "soort", "種別", "種類", "タイプ",
    ),
    "priority": ("priority", "prio", "severity", "prioritat", "priorite", "prioridad", "prioridade", "priorita", "prioriteit", "優先度", "優先順位"),
    "category": ("category", "topic", "kategorie", "categorie", "categoria", "カテゴリ", "カテゴリー", "分類"),
    "brand": ("brand",),
    "region": ("region", "country", "地域"),
    "channel": ("channel", "via", "contact_channel", "source_channel", "kanal", "canal", "canale", "kanaal", "チャネル", "チャンネル"),
    "customer": (
        "customer", "customer_id", "client", "account", "organization", "organisation", "company", "kunde", "organisationseinheit", "cliente", "empresa",
        "entreprise", "azienda", "klant", "顧客", "会社", "お客様",
    ),
    "tags": ("tags", "labels", "etiquetas", "etiquettes", "schlagworter", "タグ"),
    "resolved_ts": (
        "resolved_ts", "resolved_at", "resolved", "resolution_date", "resolutiondate", "resolved_on", "resolved_date", "resolved_time", "resolution_timestamp", "date_resolved", "solved_at", "solved", "solved_on",
        "completed_at", "completed", "completed_on", "completion_date", "completed_date", "finished_at", "fixed_at", "last_resolved_date",
        "gelost_am", "geloest_am", "gelost", "losungsdatum", "erledigt_am", "behoben_am", "resolu_le", "resolu", "date_de_resolution", "date_resolution",
        "resuelto_el", "resuelto", "fecha_de_resolucion", "fecha_resolucion", "fecha_de_solucion", "resolvido_em", "resolvido", "data_de_resolucao", "data_resolucao",
        "data_de_solucao", "solucionado_em", "risolto_il", "risolto", "data_risoluzione", "data_di_risoluzione", "opgelost_op", "opgelost", "oplosdatum",
        "解決日時", "解決日", "対応完了日時", "完了日時", "完了日",
    ),
    "closed_ts": (
        "closed_ts", "closed_at", "closed", "closed_on", "closed_date", "closed_time", "close_date", "close_time", "closing_date", "closing_time", "date_closed", "closure_date", "closed_dt", "closed_timestamp",
        "geschlossen_am", "geschlossen", "abgeschlossen_am", "abschlussdatum", "ferme_le", "clos_le", "cloture_le", "date_de_cloture", "date_cloture",
        "date_de_fermeture", "cerrado_el", "cerrado", "fecha_de_cierre", "fecha_cierre", "fechado_em", "fechado", "encerrado_em", "data_de_fechamento",
        "data_fechamento", "data_de_encerramento", "chiuso_il", "chiuso", "data_chiusura", "data_di_chiusura", "gesloten_op", "gesloten", "sluitingsdatum",
        "クローズ日時", "終了日時", "クローズ日", "終了日",
    ),
    "sla_met": (
        "sla_met", "made_sla", "within_sla", "in_sla", "met_sla", "ontime", "on_time", "sla_status", "sla_result", "sla_compliance", "sla_outcome",
        "resolution_sla_status", "resolution_status", "sla_violation", "sla_breached", "breached_sla", "sla_breach", "breached", "violated", "sla_violated", "has_breached", "overdue",
        "is_overdue", "overdue_status", "late", "is_late", "late_yes_no", "sla", "sla_eingehalten", "sla_erfullt", "sla_respecte", "sla_cumplido", "sla_cumprido", "sla_rispettato", "sla_gehaald", "sla遵守",
    ),
}
#: Signal -> names of columns that say when a case came to it, in files with one row a case, beside those of the fields that say the same.
_MILESTONE_NAMES: dict[Signal, tuple[str, ...]] = {
    Signal.INTAKE: NAMES["intake_ts"],
    Signal.TRIAGE: ("triaged_at", "triaged", "triage_date", "acknowledged_at", "acknowledged", "acknowledged_on", "acknowledge_date"),
    Signal.ASSIGNED: (
        "assigned_at", "assigned", "assigned_on", "assigned_date", "date_assigned", "assignment_date", "first_assigned", "first_assigned_at", "assigned_time",
        "zugewiesen_am", "zuweisungsdatum", "assigne_le", "attribue_le", "date_d_attribution", "date_d_affectation", "date_d_assignation", "asignado_el",
        "fecha_de_asignacion", "atribuido_em", "data_de_atribuicao", "assegnato_il", "data_assegnazione", "data_di_assegnazione", "toegewezen_op", "割り当て日時", "担当決定日時",
    ),
    Signal.INVESTIGATION: (
        "activated_at", "activated", "activated_date", "started_at", "started", "started_on", "work_started", "work_started_at", "work_start", "in_progress_at", "in_progress", "begun_at", "actual_start",
        "investigation_started", "in_bearbeitung_seit", "begonnen_am", "debut_de_traitement", "iniciado_em", "inicio_do_atendimento", "iniciado_el", "iniziato_il", "対応開始日時", "着手日時",
    ),
    Signal.ESCALATED: ("escalated_at", "escalated", "escalated_on", "escalation_date", "eskaliert_am"),
    Signal.PUBLIC_REPLY: (
        "first_response", "first_response_at", "first_response_on", "first_response_date", "first_response_time", "first_responded_at", "first_responded_on",
        "first_reply", "first_reply_at", "first_replied_at", "first_public_reply", "responded_at", "responded", "responded_on", "responded_date", "response_date",
        "initial_response", "initial_response_time", "initial_response_at", "first_answer", "first_contact", "first_agent_response", "first_agent_reply", "first_agent_email_response",
        "erste_antwort", "erste_antwort_am", "erstantwort", "erstantwort_am", "erste_reaktion", "erstreaktion", "premiere_reponse", "premiere_reponse_le", "date_de_premiere_reponse",
        "primera_respuesta", "fecha_de_primera_respuesta", "primeira_resposta", "data_da_primeira_resposta", "primeira_resposta_em", "prima_risposta",
        "data_prima_risposta", "eerste_reactie", "eerste_antwoord", "初回応答日時", "初回返信日時", "一次回答日時", "初回回答日時", "初回応答",
    ),
    Signal.RESOLVED: NAMES["resolved_ts"],
    Signal.CLOSED: (*NAMES["closed_ts"], "ended_at", "ended", "end_date", "end_time"),
    Signal.CANCELLED: ("cancelled_at", "canceled_at", "cancelled", "canceled", "cancelled_on", "withdrawn_at", "storniert_am", "annule_le", "cancelado_el", "cancelado_em", "キャンセル日時"),
    Signal.REOPENED: ("reopened_at", "reopened", "reopened_on", "reopened_date", "reopen_date", "last_reopened_at", "last_reopened", "wiedereroffnet_am", "rouvert_le", "reabierto_el", "reaberto_em", "riaperto_il", "再オープン日時"),
}
MILESTONES: Mapping[str, Signal] = {name: signal for signal, names in _MILESTONE_NAMES.items() for name in names}
#: Fields that an instant is in, which a name says with or without a word such as date, time, at.
_STAMP_NAMES = ("event_ts", "intake_ts", "updated_ts", "resolved_ts", "closed_ts")
#: Words of a stamp column's name that say only that it is one: `Date/Time Opened`, `Opened Date`, `opened_at` and `Opened` are alike.
_MARKS_OF_STAMPS = {
    "date", "time", "datetime", "timestamp", "dt", "ts", "at", "on", "utc", "gmt", "local", "actual", "datum", "uhrzeit", "zeit", "zeitpunkt", "am", "fecha", "hora",
    "data", "heure", "le", "el", "em", "il", "op", "ora", "de", "d", "di", "da", "do", "del", "du", "of", "the", "y", "e", "et", "und",
}
#: The same at the end of one word: `OPENEDDATETIME`.
_GLUED_MARK = re.compile(r"(?<=[a-z]{3})(datetime|timestamp|date|time)$")
#: An id of what a row is about, in a form that no list has: `SR_NUMBER`, `WorkItemId`, `Incident No`.
_CASE_ID = re.compile(
    r"(service_?|case_?)?(case|ticket|incident|inc|issue|request|work_?item|sr|work_?order|wo|record|enquiry|inquiry|query|complaint|task|job|defect|bug|problem|call"
    r"|order|claim|document|conversation|thread|helpdesk|hd|process(_instance)?|trace)_?(id|no|nr|num|number|nummer|key|code|ref|reference)"
)
#: A status in a form that no list has: `Problem Status`, `Current State`. `Approval status` is none of the case's.
_STATUS = re.compile(r"(current_|new_|to_)?(service_?request|service_?order|case|ticket|incident|issue|request|problem|work_?item|sr|workflow|task|current)_?(status|state)")
#: Words of names of columns for those who hold a case together: some mean nothing else, others only beside a word of _HOLDING.
_TEAM = {
    "team", "teams", "group", "groups", "queue", "workgroup", "squad", "gruppe", "groupe", "grupo", "gruppo", "groep", "equipe", "equipo", "squadra",
    "warteschlange", "wachtrij", "fila", "cola", "coda", "bearbeitergruppe", "bearbeiterteam", "supportteam", "supportgruppe", "behandelgroep",
    "behandelaarsgroep", "oplosgroep",
}
_TEAM_OF_SOMEBODY = {
    "st", "department", "dept", "section", "unit", "inbox", "mailbox", "abteilung", "departamento", "reparto", "afdeling",
}
_AGENT = {
    "owner", "assignee", "agent", "technician", "operator", "engineer", "analyst", "handler", "resolver", "responsible", "processor", "teammate",
    "bearbeiter", "sachbearbeiter", "technicien", "tecnico", "operatore", "behandelaar", "agente", "responsable", "responsavel",
}
_PERSONS = ("assigned_to", "assigned_user", "owned_by", "assigned_person", "assigned_resource")
#: What stands beside these words where they are of whoever has the case now. What a case is about, or is escalated to, has owners and groups of its own:
#: `Service Owner`, `Application Group`, `Escalation Group`.
_HOLDING = {
    "assigned", "assignee", "assignment", "to", "owner", "owning", "owned", "by", "support", "supporting", "resolver", "resolving", "responsible",
    "handling", "handler", "current", "involved", "working", "asignado", "asignacion", "resolutor", "assegnato", "assegnazione", "assigne",
    "attribue", "affectation", "atribuido", "zustandiges", "zustandige", "zustandig", "toegewezen",
}
_BESIDE = {
    "ticket", "tickets", "case", "incident", "issue", "problem", "request", "sr", "new", "name", "full", "first_name", "last_name", "full_name",
    "display_name", "login", "email", "alias", "id", "org", "help", "desk", "helpdesk", "it", "hub", "spot", "skill",
    "agent", "technician", "operator", "analyst", "engineer", "technicien", "techniciens", "tecnicos", "de", "des", "du", "d", "a", "do", "da", "di",
}
_PART_OF_A_NAME = re.compile(r"(.+_)?(first|last)_name")
_NUMBER_SIGNS = {"#", "№", "nº", "n°", "no.", "nr."}
#: What a column had before a change, which is not what it came to.
_BEFORE = re.compile(
    r"(.*_)?(from|old|previous|prev|prior|before|original|initial|vorher|vorheriger|alter|alte|ancien|ancienne|precedent|anterior|precedente|vorige|oude)(_.*)?"
    r"|from(string|value|status|state)|old(value|status|state)|von|変更前.*"
)
#: Objects of JSON exports around a case's fields, and around the value of one.
_WRAPPING = re.compile(r"^((fields|data|attributes|properties|_source|record|node|item|ticket|issue|case|incident|request|activity)\.)+(?=.)")
#: How Jira's exports call the fields of one's own.
_OF_ONES_OWN = re.compile(r"^custom field \((.+)\)$", re.IGNORECASE)
_WRAPPED = re.compile(r"(?<=.)\.(name|display_?name|display_?value|value|label|\$oid|\$date)$", re.IGNORECASE)
#: Columns of an audit trail that name the field which a record changed.
_CHANGED_FIELD = {
    "field", "field_name", "fieldname", "field_id", "field_label", "changed_field", "field_event", "attribute", "attribute_name", "property", "property_name",
    "item", "mi_field", "mi_definition", "metric_definition", "feld", "feldname", "campo", "champ", "veld", "項目",
}
#: What a due date is about -> names of columns that hold it.
RESOLUTION_DUE, REPLY_DUE = "due", "reply_due"
DUE_NAMES: dict[str, tuple[str, ...]] = {
    RESOLUTION_DUE: (
        "resolution_due", "resolution_due_at", "resolution_due_date", "resolution_due_by", "resolution_due_time", "resolve_by", "resolution_target", "target_resolution",
        "target_resolution_date", "resolution_sla", "resolution_sla_target", "sla_due", "sla_due_date", "sla_due_at", "sla_due_by", "sla_target", "sla_target_date", "sla_date",
        "sla_deadline", "target_date", "target_dt", "target", "target_completion_date", "due_date", "due_at", "due_by", "due_by_time", "due_on", "due", "due_time",
        "deadline", "expected_close", "expected_close_date", "target_close_date", "planned_end", "planned_end_date", "close_escalation_at", "solution_escalation_at", "expected_resolution", "expected_resolution_date", "expected_datetime", "promised_date", "promised_by", "fallig_am", "fallig", "falligkeitsdatum",
        "frist", "zieltermin", "losungsfrist", "echeance", "date_d_echeance", "date_limite", "date_limite_de_resolution", "vencimiento", "fecha_de_vencimiento",
        "fecha_vencimiento", "fecha_limite", "fecha_objetivo", "vencimento", "data_de_vencimento", "data_limite", "prazo", "prazo_de_resolucao", "prazo_de_solucao", "scadenza",
        "data_scadenza", "data_di_scadenza", "vervaldatum", "streefdatum", "uiterste_datum", "期限", "対応期限", "期日", "解決期限", "目標日時", "期限日時",
        "fallig_bis", "fallig_zum", "faellig_am", "faellig_bis", "falligkeit", "faelligkeit", "falligkeitstermin", "faelligkeitsdatum", "losung_fallig_am", "losung_fallig_bis", "zu_losen_bis", "zu_erledigen_bis", "erledigen_bis",
        "erledigungsfrist", "bearbeitungsfrist", "sla_frist", "solltermin", "zieldatum", "echeance_le", "date_echeance", "echeance_de_resolution", "echeance_sla", "date_limite_sla", "date_butoir", "delai_limite",
        "a_resoudre_avant", "a_resoudre_avant_le", "a_traiter_avant", "a_traiter_avant_le", "vence", "vence_el", "fecha_limite_de_resolucion", "fecha_limite_de_solucion", "fecha_limite_sla", "fecha_tope", "fecha_compromiso",
        "fecha_de_compromiso", "vencimiento_sla", "vencimiento_de_resolucion", "plazo", "plazo_de_resolucion", "resolver_antes_de", "resolver_antes_del", "vence_em", "data_limite_de_resolucao", "data_limite_de_solucao", "data_limite_sla",
        "vencimento_sla", "prazo_final", "prazo_limite", "prazo_sla", "prazo_de_conclusao", "resolver_ate", "scade", "scade_il", "scadenza_sla", "scadenza_risoluzione", "scadenza_di_risoluzione", "data_limite_risoluzione",
        "data_limite_di_risoluzione", "da_risolvere_entro", "da_risolvere_entro_il", "da_completare_entro", "risolvere_entro", "vervalt_op", "uiterste_oplosdatum", "streefdatum_oplossing", "oplossen_voor", "op_te_lossen_voor",
        "gereed_voor", "deadline_oplossing", "対応期日", "解決期日", "完了期限", "完了期日", "期限日", "対応期限日時", "解決期限日時", "解決目標日時", "sla期限",
    ),
    REPLY_DUE: (
        "first_response_due", "first_response_due_at", "first_response_due_date", "first_response_due_by", "first_response_sla", "response_due", "response_due_date", "response_due_at",
        "response_due_by", "first_response_escalation_at", "response_sla", "response_target", "respond_by", "reply_due", "reply_due_at", "reply_by", "first_reply_due", "first_reply_due_at", "reply_sla", "fr_due_by", "fr_due_at",
        "antwortfrist", "reaktionsfrist", "echeance_de_premiere_reponse", "vencimiento_de_primera_respuesta", "prazo_de_primeira_resposta", "scadenza_prima_risposta", "初回応答期限", "回答期限",
        "antwort_fallig_am", "antwort_fallig_bis", "erste_antwort_fallig_am", "erste_antwort_fallig_bis", "erste_antwort_bis", "erstantwort_bis", "antworten_bis", "zu_beantworten_bis", "reaktion_bis", "erste_reaktion_bis", "erstreaktion_bis",
        "erstreaktionsfrist", "echeance_de_reponse", "date_limite_de_reponse", "date_limite_de_premiere_reponse", "a_repondre_avant", "a_repondre_avant_le", "vencimiento_de_respuesta", "fecha_limite_de_respuesta",
        "fecha_limite_de_primera_respuesta", "plazo_de_respuesta", "plazo_de_primera_respuesta", "responder_antes_de", "responder_antes_del", "prazo_de_resposta", "prazo_da_primeira_resposta", "vencimento_da_primeira_resposta",
        "data_limite_de_resposta", "responder_ate", "scadenza_risposta", "scadenza_della_prima_risposta", "data_limite_risposta", "data_limite_di_risposta", "rispondere_entro", "rispondere_entro_il", "reageren_voor", "beantwoorden_voor",
        "te_beantwoorden_voor", "uiterste_reactiedatum", "streefdatum_reactie", "deadline_reactie", "回答期日", "返信期限", "初回返信期限", "初回回答期限", "一次回答期限", "初回応答期日",
    ),
}
#: What GLPI calls the instants by which a ticket is to be resolved and taken up; elsewhere these are durations that were needed.
_DUE_INSTANTS = {
    "time_to_resolve": RESOLUTION_DUE, "temps_de_resolution": RESOLUTION_DUE, "time_to_own": REPLY_DUE, "temps_de_prise_en_charge": REPLY_DUE,
}
#: A due date of whatever is to be done, in a form that no list has: `Overall Service Request Due Date`.
_DUE_ENDING = re.compile(r"(.+_)?(?<!over_)due(_(date|time|by|at|on|dt))*|(.+_)?deadline(_(date|time))*|[a-z]+duedate|(.+_)?fa?e?llig_(am|bis|zum)")
_STAMP_ENDING = re.compile(r"(_(date|time|at|on|dt|ts))+$")
#: A promise as a number of hours, minutes or days: `SLA hours`, `Target resolution (min)`.
_DURATION_DUE = re.compile(
    r"(?=.*(sla|target|due|promised|allowed|goal))(?=.*(_|^)(?P<unit>minutes?|mins?|m|hours?|hrs?|h|days?|d)(_|$))[a-z0-9_]+"
)
_OF_A_REPLY = r"response|reply|respond|answer|antwort|reaktion"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_ACTUAL = re.compile(r"(^|_)(actual|spent|taken|elapsed|remaining|left|over|overdue|past|since|exceeded|breach\w*)(_|$)")

#: What a column of the vendor's own verdict says, as `folded` has it.
MET: dict[str, bool] = {
    **dict.fromkeys(
        ("true", "yes", "y", "1", "met", "ontime", "on time", "in time", "intime", "within", "within sla", "within target", "in sla", "sla met", "hit", "kept",
         "achieved", "fulfilled", "compliant", "passed", "pass", "ok", "not breached", "not violated", "not overdue", "ja", "oui", "si", "sim", "eingehalten", "erfullt",
         "respecte", "cumplido", "cumprido", "no prazo", "dentro do prazo", "dentro del plazo", "rispettato", "gehaald", "はい", "達成", "遵守", "期限内"), True),
    **dict.fromkeys(
        ("false", "no", "n", "0", "missed", "overdue", "late", "breached", "breach", "violated", "sla violated", "sla missed", "sla breached", "outside", "outside sla", "not met",
         "not achieved", "failed", "fail", "non compliant", "exceeded", "nein", "non", "nao", "nee", "verletzt", "nicht eingehalten", "nicht erfullt", "non respecte", "incumplido",
         "vencido", "descumprido", "fora do prazo", "atrasado", "fuera de plazo", "non rispettato", "niet gehaald", "いいえ", "超過", "未達成", "期限超過"), False),
}
#: Columns whose yes means that the promise was missed.
_ASKS_FOR_BREACH = re.compile(r"(^|_)(breach|breached|violation|violated|overdue|missed|late)(_|$)")
_YES_NO = {"true", "yes", "y", "1", "ja", "oui", "si", "sim", "はい", "false", "no", "n", "0", "nein", "non", "nao", "nee", "いいえ"}
#: Whoever wrote a message, as `folded` has it -> a word of AUTHOR_KINDS.
AUTHORS = {
    **dict.fromkeys(("agent", "admin", "person", "human", "staff", "teammate", "operator", "technician", "employee", "bearbeiter"), "person"),
    **dict.fromkeys(("bot", "chatbot", "automation", "automatic", "system", "workflow", "ai agent", "ai"), "bot"),
    **dict.fromkeys(("customer", "user", "end user", "enduser", "requester", "contact", "client", "caller", "lead", "kunde"), "customer"),
}


def column_name(column: str) -> str:
    """`Changed at`, `changedAt`, `CHANGED_AT`, `changed:at` and `Geändert am` without accents: one blank is one `_`.

    Of an object in an object (`fields.status.name`) what only wraps the value is left off, and `CASESTATUS` is `case_status`.
    """
    name = folded(_WRAPPED.sub("", _WRAPPING.sub("", _OF_ONES_OWN.sub(r"\1", column)))).replace(" ", "_")
    return _IN_ONE_WORD.get(name, name)


#: Names of the lists in one word -> as the lists have them.
_IN_ONE_WORD = {
    name.replace("_", ""): name for names in (*NAMES.values(), *_MILESTONE_NAMES.values(), *DUE_NAMES.values()) for name in names if "_" in name
}


def is_duplicate_flag(column: str) -> bool:
    """Whether the column is called as one that says of a case that it is there twice."""
    return column_name(column) in ("duplicate", "is_duplicate", "duplicated", "duplicate_flag", "isduplicate", "duplikat", "duplicado", "doublon")


def fields_named(column: str) -> dict[str, int]:
    """The fields that a column's name can mean, with its place among the names of each: 0 is surest, and what is in no list comes last."""
    name = column_name(column)
    found = {field: names.index(name) for field, names in NAMES.items() if name in names}
    if not found and (holder := holder_named(name)) is not None:
        # The whole name before an id, and an id before a part of a name, which several may have.
        found[holder] = len(NAMES[holder]) + (2 if _PART_OF_A_NAME.fullmatch(name) else int(name.endswith("id")))
    if not found and _STATUS.fullmatch(name):
        found["status"] = len(NAMES["status"])
    if not found and (column.strip().casefold() in _NUMBER_SIGNS or _CASE_ID.fullmatch(name)):
        found["case_id"] = len(NAMES["case_id"])
    if not found and (bare := _bare(name)):
        found.update({field: len(NAMES[field]) for field in _STAMP_NAMES if bare in _BARE_NAMES[field]})
    return found


def holder_named(name: str) -> str | None:
    """`team` or `agent` where a name that is in no list consists of words for those who have a case: `assigned_support_group`, `owner_first_name`.

    `requester_group`, `service_owner` and `owner_country` are neither: every word must belong to it.
    """
    words = re.sub(r"(first|last|full|display)_name$", r"\1-name", name).replace("-", "~").split("_")
    told = {word.replace("~", "_") for word in words}
    teams = told & _TEAM or (told & _TEAM_OF_SOMEBODY if told & _HOLDING else set())
    if teams:
        return "team" if told - teams <= _HOLDING | _BESIDE else None
    phrase = next((each for each in _PERSONS if name == each or name.startswith(f"{each}_")), "")
    others = told - _AGENT - set(phrase.split("_"))
    return "agent" if (phrase or told & _AGENT) and others <= _HOLDING | _BESIDE else None


def is_part_of_a_name(column: str) -> bool:
    """Whether the name is that of a first or a last name alone: two persons may share it."""
    return _PART_OF_A_NAME.fullmatch(column_name(column)) is not None


def milestone_named(column: str) -> Signal | None:
    """What a stamp column of a file with one row a case says the instant of."""
    name = column_name(column)
    return MILESTONES.get(name) or _BARE_MILESTONES.get(_bare(name))


def is_before_a_change(column: str) -> bool:
    """Whether the name is that of what was there before a change: `From`, `Old Value`, `previous_status`."""
    return _BEFORE.fullmatch(column_name(column)) is not None


def is_changed_field(column: str) -> bool:
    """Whether the name is that of the field which a record of an audit trail changed."""
    return column_name(column) in _CHANGED_FIELD


def _bare(name: str) -> str:
    """A name without the words that say only that it is a stamp, each word once; empty where nothing is left."""
    words = name.split("_") if "_" in name else [_GLUED_MARK.sub("", name)]
    return "_".join(dict.fromkeys(word for word in words if word not in _MARKS_OF_STAMPS))


_BARE_NAMES = {field: {_bare(name) for name in NAMES[field]} - {""} for field in _STAMP_NAMES}
_BARE_MILESTONES: dict[str, Signal] = {
    bare: signal for signal, names in reversed(_MILESTONE_NAMES.items()) for name in reversed(names) if (bare := _bare(name))
}


def due_named(column: str) -> str | None:
    """RESOLUTION_DUE or REPLY_DUE where the name is that of an instant by which something was promised."""
    name = column_name(column)
    return next((kind for kind, names in DUE_NAMES.items() if name in names or _STAMP_ENDING.sub("", name) in names), None)


def due_instant_named(column: str) -> str | None:
    """The same of names that mean such an instant only where the cells are instants."""
    name = column_name(column)
    if name in _DUE_INSTANTS or not _DUE_ENDING.fullmatch(name):
        return _DUE_INSTANTS.get(name)
    return REPLY_DUE if re.search(_OF_A_REPLY, name) else RESOLUTION_DUE


def due_duration_named(column: str) -> tuple[str, str] | None:
    """What was promised (RESOLUTION_DUE, REPLY_DUE) and the unit, where the name is that of a promised number of minutes, hours or days."""
    name = column_name(column)
    found = _DURATION_DUE.fullmatch(name)
    if found is None or _ACTUAL.search(name):
        return None
    about = REPLY_DUE if re.search(_OF_A_REPLY, name) else RESOLUTION_DUE
    return about, _UNITS[found["unit"][0]]


def verdicts(column: str, words: Iterable[str]) -> dict[str, bool] | None:
    """Word -> whether it says that the promise was kept; None where one of them says neither. `Yes` of a column `Overdue` is a miss."""
    said = {word: MET.get(folded(word)) for word in words}
    if None in said.values():
        return None
    is_turned = bool(_ASKS_FOR_BREACH.search(column_name(column))) and all(folded(word) in _YES_NO for word in said)
    return {word: bool(met) is not is_turned for word, met in said.items()}
