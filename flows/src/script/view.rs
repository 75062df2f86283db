//! Read-only views of JSON values: what a script gets instead of copies of its inputs.
//!
//! A view holds the whole value alive and points into it. Reading a scalar copies that scalar,
//! reading a list or a map makes another view. Two types, so that `type_of` and the functions
//! that are found are those of a list and of a map.

use super::scope::Outputs;
use rhai::{Array, Dynamic, INT, Map};
use serde_json::{Number, Value};
use std::sync::Arc;
use yoke::Yoke;

/// A view of a JSON array.
#[derive(Clone)]
pub(crate) struct ListView(Yoke<&'static Vec<Value>, Arc<Value>>);

/// A view of a JSON object, or of the outputs of the steps so far.
#[derive(Clone)]
pub(crate) struct MapView(Source);

#[derive(Clone)]
enum Source {
    Object(Yoke<&'static serde_json::Map<String, Value>, Arc<Value>>),
    Steps(Arc<Outputs>),
}

/// What a script sees of a JSON value: the scalar itself, or a view.
pub(crate) fn of(value: &Arc<Value>) -> Dynamic {
    match &**value {
        Value::Array(_) => ListView::lift(value, |whole| whole.as_array()),
        Value::Object(_) => MapView::lift(value, |whole| whole.as_object()),
        scalar => self::scalar(scalar),
    }
}

/// A scalar as the engine holds it. A number keeps its value: an integer beyond 64 signed bits
/// becomes a decimal.
fn scalar(value: &Value) -> Dynamic {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => Dynamic::UNIT,
        Value::Bool(yes) => (*yes).into(),
        Value::Number(number) => self::number(number),
        Value::String(text) => text.as_str().into(),
    }
}

/// A JSON number as the engine holds it.
pub(crate) fn number(number: &Number) -> Dynamic {
    if let Some(integer) = number.as_i64() {
        integer.into()
    } else if let Some(large) = number.as_u64() {
        Dynamic::from_decimal(large.into())
    } else {
        number.as_f64().map_or(Dynamic::UNIT, Dynamic::from)
    }
}

impl ListView {
    fn lift(whole: &Arc<Value>, find: for<'v> fn(&'v Value) -> Option<&'v Vec<Value>>) -> Dynamic {
        Yoke::try_attach_to_cart(Arc::clone(whole), |value| find(value).ok_or(()))
            .map_or(Dynamic::UNIT, |yoke| Dynamic::from(Self(yoke)))
    }

    pub(crate) fn json(&self) -> &[Value] {
        self.0.get()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.get().len()
    }

    /// The item at an index; a negative one counts from the end.
    pub(crate) fn at(&self, index: INT) -> Option<Dynamic> {
        let position = if index < 0 {
            self.len()
                .checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
        } else {
            usize::try_from(index).ok()?
        };
        self.item(position)
    }

    fn item(&self, position: usize) -> Option<Dynamic> {
        let found = match self.0.get().get(position)? {
            Value::Array(_) => self
                .0
                .try_map_project_cloned(|list, _| {
                    list.get(position).and_then(Value::as_array).ok_or(())
                })
                .map(|yoke| Dynamic::from(Self(yoke))),
            Value::Object(_) => self
                .0
                .try_map_project_cloned(|list, _| {
                    list.get(position).and_then(Value::as_object).ok_or(())
                })
                .map(|yoke| Dynamic::from(MapView(Source::Object(yoke)))),
            scalar => Ok(self::scalar(scalar)),
        };
        found.ok()
    }

    /// A list of one's own, whose items are views.
    pub(crate) fn thaw(&self) -> Array {
        (0..self.len()).filter_map(|i| self.item(i)).collect()
    }

    /// The value that was shared, if this is a view of all of it.
    pub(crate) fn whole(&self) -> Option<Arc<Value>> {
        let cart = self.0.backing_cart();
        cart.as_array()
            .is_some_and(|list| std::ptr::eq(list, *self.0.get()))
            .then(|| Arc::clone(cart))
    }

    pub(crate) fn same(&self, other: &Self) -> bool {
        std::ptr::eq(*self.0.get(), *other.0.get())
    }
}

impl IntoIterator for ListView {
    type Item = Dynamic;
    type IntoIter = ListItems;

    fn into_iter(self) -> ListItems {
        ListItems {
            list: self,
            next: 0,
        }
    }
}

/// The items of a viewed list, made one by one.
pub(crate) struct ListItems {
    list: ListView,
    next: usize,
}

impl Iterator for ListItems {
    type Item = Dynamic;

    fn next(&mut self) -> Option<Dynamic> {
        let item = self.list.item(self.next)?;
        self.next += 1;
        Some(item)
    }
}

impl MapView {
    fn lift(
        whole: &Arc<Value>,
        find: for<'v> fn(&'v Value) -> Option<&'v serde_json::Map<String, Value>>,
    ) -> Dynamic {
        Yoke::try_attach_to_cart(Arc::clone(whole), |value| find(value).ok_or(()))
            .map_or(Dynamic::UNIT, |yoke| {
                Dynamic::from(Self(Source::Object(yoke)))
            })
    }

    pub(crate) fn steps(outputs: Arc<Outputs>) -> Self {
        Self(Source::Steps(outputs))
    }

    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Source::Object(object) => object.get().len(),
            Source::Steps(outputs) => outputs.present().count(),
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        match &self.0 {
            Source::Object(object) => object.get().contains_key(key),
            Source::Steps(outputs) => outputs.get(key).is_some(),
        }
    }

    /// What stands under a key; nothing and JSON null are both `()`.
    pub(crate) fn field(&self, key: &str) -> Dynamic {
        match &self.0 {
            Source::Steps(outputs) => outputs.get(key).map_or(Dynamic::UNIT, of),
            Source::Object(object) => match object.get().get(key) {
                None => Dynamic::UNIT,
                Some(Value::Array(_)) => object
                    .try_map_project_cloned(|object, _| {
                        object.get(key).and_then(Value::as_array).ok_or(())
                    })
                    .map_or(Dynamic::UNIT, |yoke| Dynamic::from(ListView(yoke))),
                Some(Value::Object(_)) => object
                    .try_map_project_cloned(|object, _| {
                        object.get(key).and_then(Value::as_object).ok_or(())
                    })
                    .map_or(Dynamic::UNIT, |yoke| {
                        Dynamic::from(Self(Source::Object(yoke)))
                    }),
                Some(scalar) => self::scalar(scalar),
            },
        }
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        match &self.0 {
            Source::Object(object) => object.get().keys().cloned().collect(),
            Source::Steps(outputs) => {
                let mut ids: Vec<String> = outputs.present().map(|(id, _)| id.into()).collect();
                ids.sort();
                ids
            }
        }
    }

    /// A map of one's own, whose values are views.
    pub(crate) fn thaw(&self) -> Map {
        match &self.0 {
            Source::Object(object) => object
                .get()
                .keys()
                .map(|key| (key.as_str().into(), self.field(key)))
                .collect(),
            Source::Steps(outputs) => outputs
                .present()
                .map(|(id, value)| (id.into(), of(value)))
                .collect(),
        }
    }

    /// A copy as JSON.
    pub(crate) fn json(&self) -> Value {
        match &self.0 {
            Source::Object(object) => Value::Object((*object.get()).clone()),
            Source::Steps(outputs) => Value::Object(
                outputs
                    .present()
                    .map(|(id, value)| (id.to_owned(), (**value).clone()))
                    .collect(),
            ),
        }
    }

    /// The value that was shared, if this is a view of all of it.
    pub(crate) fn whole(&self) -> Option<Arc<Value>> {
        let Source::Object(object) = &self.0 else {
            return None;
        };
        let cart = object.backing_cart();
        cart.as_object()
            .is_some_and(|whole| std::ptr::eq(whole, *object.get()))
            .then(|| Arc::clone(cart))
    }

    pub(crate) fn same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Source::Object(one), Source::Object(two)) => std::ptr::eq(*one.get(), *two.get()),
            (Source::Steps(one), Source::Steps(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }
}

/// Nodes somewhere inside a shared value.
#[derive(yoke::Yokeable)]
struct Nodes<'v>(Vec<&'v Value>);

/// What a script sees of the nodes that `select` finds inside a shared value, without copies.
pub(crate) fn selected(
    whole: &Arc<Value>,
    select: impl for<'v> FnOnce(&'v Value) -> Option<Vec<&'v Value>>,
) -> Option<Array> {
    let nodes: Yoke<Nodes<'static>, Arc<Value>> =
        Yoke::try_attach_to_cart(Arc::clone(whole), |value| {
            select(value).map(Nodes).ok_or(())
        })
        .ok()?;
    let count = nodes.get().0.len();
    let node = |place: usize| match nodes.get().0[place] {
        Value::Array(_) => nodes
            .try_map_project_cloned(|nodes, _| nodes.0[place].as_array().ok_or(()))
            .map_or(Dynamic::UNIT, |yoke| Dynamic::from(ListView(yoke))),
        Value::Object(_) => nodes
            .try_map_project_cloned(|nodes, _| nodes.0[place].as_object().ok_or(()))
            .map_or(Dynamic::UNIT, |yoke| {
                Dynamic::from(MapView(Source::Object(yoke)))
            }),
        scalar => self::scalar(scalar),
    };
    Some((0..count).map(node).collect())
}
