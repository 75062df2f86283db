//! Fields that every step or trigger has, in the words of the catalogue of texts.

use weir_flows::catalog::{Choice, Field, FieldKind, Phrase, choice};

use crate::texts::{ENGLISH, GERMAN, Texts};

/// A text of the page as a phrase of the catalog.
pub(crate) fn said(text: fn(&Texts) -> &'static str) -> Phrase {
    Phrase {
        en: text(&ENGLISH).into(),
        de: text(&GERMAN).into(),
    }
}

/// A word of a choice with a text of the page.
pub(crate) fn word(word: &'static str, text: fn(&Texts) -> &'static str) -> Choice {
    Choice {
        title: said(text),
        ..choice(word, "", "")
    }
}

/// A field with texts of the page.
pub(crate) fn field(
    name: &'static str,
    kind: FieldKind,
    title: fn(&Texts) -> &'static str,
    help: fn(&Texts) -> &'static str,
) -> Field {
    Field::new(name, said(title), kind, said(help))
}
