//! The draft as text, exactly as it is exported.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    kit::code::{Code, Tongue},
    texts::texts,
};

#[component]
pub(super) fn DocumentTab(text: Arc<str>) -> impl IntoView {
    view! {
        <div class="page-body document" data-testid="document">
            <p class="fine">{texts().document_hint}</p>
            <Code text=text.trim_end() tongue=Tongue::Json/>
        </div>
    }
}
