//! The page: what `index.html` loads first.

fn main() {
    weir_ui::start();
}
