"""What the columns of an audit log are called, and its fields, in the languages of the help desks that write them.

Belongs here: names of the columns that say what changed, and which field of a log is which of a case. Does not belong here: columns that other logs have too
(`column_names`), and choosing (`changes`).
"""

from __future__ import annotations

from opsla_dagster.settings.sources import CHANGED_FIELDS, OPENED
from opsla_dagster.starting.column_names import NAMES, column_name, holder_named

#: Column of an audit log -> names that it has, the surest first: of a value's id and its name the name.
CHANGE_NAMES: dict[str, tuple[str, ...]] = {
    "field": (
        "field", "field_name", "fieldname", "changed_field", "field_changed", "attribute", "attribute_name", "history_attribute", "property", "property_name",
        "prop_key", "what_changed", "field_event", "field_label", "attcode", "att_code", "column_name", "id_search_option", "item", "feld", "feldname", "geandertes_feld", "attribut", "eigenschaft", "champ", "nom_du_champ", "champ_modifie", "propriete",
        "campo", "nombre_del_campo", "nombre_campo", "campo_modificado", "atributo", "propiedad", "nome_do_campo", "campo_alterado", "propriedade", "nome_campo",
        "nome_del_campo", "attributo", "proprieta", "veld", "veldnaam", "gewijzigd_veld", "attribuut", "項目", "項目名", "フィールド", "フィールド名", "変更項目", "属性",
    ),
    "old_value": (
        "from_string", "fromstring", "old_string", "oldstring", "value_from", "old_value", "oldvalue", "old", "previous_value", "previous", "value_old", "from_value", "before", "value_before", "old_val", "oldval", "from",
        "alter_wert", "alt", "vorher", "von", "wert_alt", "ancienne_valeur", "avant", "valeur_precedente", "ancien", "de", "valor_anterior", "valor_antiguo", "antes",
        "anterior", "valor_antigo", "valore_precedente", "vecchio_valore", "prima", "precedente", "da", "oude_waarde", "oud", "vorige_waarde", "van",
        "変更前", "旧値", "変更前の値", "古い値",
    ),
    "new_value": (
        "to_string", "tostring", "new_string", "newstring", "value_to", "new_value", "newvalue", "new", "current_value", "value_new", "to_value", "after", "value_after", "new_val", "newval", "to",
        "neuer_wert", "neu", "nachher", "nach", "wert_neu", "nouvelle_valeur", "apres", "nouveau", "a", "vers", "nuevo_valor", "valor_nuevo", "despues", "nuevo", "novo_valor",
        "valor_novo", "depois", "novo", "para", "nuovo_valore", "valore_nuovo", "dopo", "nuovo", "nieuwe_waarde", "nieuw", "naar", "変更後", "新値", "変更後の値", "新しい値",
    ),
    "actor": (
        "actor", "changed_by", "change_by", "modified_by", "updated_by", "created_by", "created_by_id", "sys_created_by", "author", "user", "user_name", "username", "by", "who", "edited_by", "performed_by", "userinfo", "user_id",
        "geandert_von", "bearbeitet_von", "benutzer", "modifie_par", "auteur", "utilisateur", "modificado_por", "cambiado_por", "autor", "usuario", "alterado_por",
        "modificato_da", "autore", "utente", "gewijzigd_door", "gebruiker", "変更者", "更新者", "ユーザー", "実行者",
    ),
    "event_id": ("audit_id", "audit", "audit_no", "change_id", "event_id", "history_id", "log_id", "changegroup_id"),
}
#: Of the names of columns those that are none of a field of a case: a user changes nothing of it, an activity is no status.
_NO_FIELDS = {
    "user", "resource", "org_resource", "to", "to_string", "to_value", "new_value", "value_new", "neuer_wert", "nouvelle_valeur", "nuevo_valor", "novo_valor", "nuovo_valore",
    "nieuwe_waarde", "変更後", "event", "event_type", "action", "step", "concept_name", "activity", "aktivitat", "activite", "actividad", "atividade", "attivita", "activiteit",
    "type", "typ", "art", "kind", "tipo", "soort", "account", "via",
}


#: Fields whose only record is that the case came in.
_OPENINGS = {
    "created", "creation", "create", "opened", "case_created", "ticket_created", "issue_created", "erstellt", "erstellung", "angelegt", "eroffnet", "cree", "creado",
    "creacion", "criado", "criacao", "creato", "creazione", "aangemaakt", "作成", "新規作成", "起票", "登録",
}


def change_column_named(column: str) -> dict[str, int]:
    """The columns of an audit log that a name can mean, with its place among the names of each: 0 is surest."""
    name = column_name(column)
    return {field: names.index(name) for field, names in CHANGE_NAMES.items() if name in names}


def field_meant(word: str) -> str | None:
    """What of a case the log's word for a field is; None where its name does not say it. `group_id` and `Assignee` are the team and the agent, `created` says that it was opened."""
    name = column_name(word)
    if name in _OPENINGS:
        return OPENED
    for each in (name, name.removesuffix("_id"), name.removeprefix("u_"), name.removesuffix("_name")):
        found = {field: NAMES[field].index(each) for field in CHANGED_FIELDS if each in NAMES[field] and each not in _NO_FIELDS}
        if found:
            return min(found, key=lambda field: found[field])
    return holder_named(name)
