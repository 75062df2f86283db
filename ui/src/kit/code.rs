//! Scripts and documents to read: monospaced and coloured, with a copy button.

use leptos::prelude::*;

use super::{
    button::CopyButton,
    highlight::{self, Piece},
};

/// Beyond this many bytes a text is shown without colours, so that the page stays quick.
const COLOURED: usize = 200_000;

/// What a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    Rhai,
    Json,
}

/// A block of code.
#[component]
pub(crate) fn Code(#[prop(into)] text: String, tongue: Tongue) -> impl IntoView {
    let copied = text.clone();
    view! {
        <div class="code">
            <pre tabindex="0"><code>{coloured(&text, tongue)}</code></pre>
            <div class="code-copy"><CopyButton text=move || copied.clone()/></div>
        </div>
    }
}

/// A piece of code within a line.
#[component]
pub(crate) fn InlineCode(#[prop(into)] text: String, tongue: Tongue) -> impl IntoView {
    view! { <code class="inline-code">{coloured(&text, tongue)}</code> }
}

fn coloured(text: &str, tongue: Tongue) -> AnyView {
    let pieces = match tongue {
        _ if text.len() > COLOURED => vec![(Piece::Plain, text)],
        Tongue::Rhai => highlight::rhai(text),
        Tongue::Json => highlight::json(text),
    };
    pieces
        .into_iter()
        .map(|(piece, text)| match piece {
            Piece::Plain => text.to_owned().into_any(),
            _ => view! { <span class=piece.class()>{text.to_owned()}</span> }.into_any(),
        })
        .collect_view()
        .into_any()
}
