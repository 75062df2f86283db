//! The lab: what the page loads into a worker when an editor is opened.

fn main() {
    weir_ui::start_lab();
}
