//! The inspector of the editor: forms that are generated from the catalog, for the card, link or flow that is chosen.
//!
//! A [`slot::Slot`] is one editable value; [`field`] draws its frame and finds the control for its kind. What a field
//! reads and shows is decided by the pure modules [`reading`], [`expression`], [`table`] and [`place`].

mod body;
mod card;
mod choice;
mod code;
mod config;
mod data;
mod expression;
mod field;
mod flow;
mod head;
mod inspector;
mod limits;
mod link;
mod offers;
mod phrases;
mod pick;
mod place;
mod policy;
mod preview;
mod reading;
mod rows;
mod rules;
mod schema;
mod section;
mod seek;
mod several;
mod slot;
mod table;
mod table_view;
mod test_list;
mod text;
mod width;

pub(crate) use inspector::Inspector;
