//! Files in and out of the browser: reading chosen or dropped ones, and offering a text for download.

use js_sys::{Array, JsString};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, FileList, HtmlAnchorElement, Url};

/// A file as it was read: its name, and its text where the browser could read it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadFile {
    pub(crate) name: String,
    pub(crate) text: Option<String>,
}

/// The files of a list.
pub(crate) fn listed(list: Option<FileList>) -> Vec<File> {
    let Some(list) = list else { return Vec::new() };
    (0..list.length())
        .filter_map(|index| list.item(index))
        .collect()
}

/// Reads a file as text.
pub(crate) async fn read(file: &File) -> ReadFile {
    let text = JsFuture::from(file.text())
        .await
        .ok()
        .and_then(|text| text.as_string());
    ReadFile {
        name: file.name(),
        text,
    }
}

/// Offers a text as a file for download, byte for byte.
pub(crate) fn download(name: &str, text: &str) {
    let parts = Array::of1(&JsString::from(text));
    let Ok(blob) = Blob::new_with_str_sequence(&parts) else {
        return;
    };
    let Ok(url) = Url::create_object_url_with_blob(&blob) else {
        return;
    };
    let link = document()
        .create_element("a")
        .map(JsCast::unchecked_into::<HtmlAnchorElement>);
    if let Ok(link) = link {
        link.set_href(&url);
        link.set_download(name);
        link.click();
    }
    // The download has been handed over with the click.
    let _ = Url::revoke_object_url(&url);
}

/// Whether something that is being dragged carries files.
pub(crate) fn carries_files(event: &web_sys::DragEvent) -> bool {
    event
        .data_transfer()
        .is_some_and(|data| data.types().includes(&JsValue::from_str("Files"), 0))
}
