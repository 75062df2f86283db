//! The bound on memory, with an allocator that counts per thread as the server's does.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use weir_flows::script::{Bounds, ErrorKind, Form, Moment, Name, Scope, compile, eval};

struct Counting;

thread_local! {
    static HELD: Cell<u64> = const { Cell::new(0) };
    static PEAK: Cell<u64> = const { Cell::new(0) };
}

fn grow(bytes: usize) {
    let _ = HELD.try_with(|held| {
        held.set(held.get().wrapping_add(bytes as u64));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

fn shrink(bytes: usize) {
    let _ = HELD.try_with(|held| held.set(held.get().wrapping_sub(bytes as u64)));
}

// SAFETY: every call goes on to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the caller keeps the promises of `dealloc`.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn bounds(bytes: u64) -> Bounds {
    Bounds {
        memory_bytes: bytes,
        meter: Some(|| HELD.get()),
        ..Bounds::default()
    }
}

#[test]
fn memory_is_bounded() {
    const LIMIT: u64 = 2 << 20;
    for source in [
        "let s = \"x\"; loop { s += s; }",
        "let l = [1]; loop { l += l; }",
        "let l = []; loop { l.push([l.len(), l.len()]); }",
        "let m = #{}; let n = 0; loop { m[`${n}`] = `${n}`; n += 1; }",
        "let t = []; loop { t.push(\"x\".repeat(1000)); }",
        "let m = #{ s: \"xxxxxxxx\" }; loop { m.s = m.s + m.s; }",
        "fn f(s) { f(s + s) } f(\"xxxxxxxx\")",
        "let a = []; for n in 0..1000 { a.push(n); } loop { a = [a, a, a, a]; }",
        "let text = to_json((0..1000).to_list()); let l = []; loop { l.push(parse_json(text)); }",
    ] {
        let script = compile(source, Form::Script).unwrap();
        let start = HELD.get();
        PEAK.set(start);
        let problem =
            eval(&script, &Scope::new(), Moment::default(), &bounds(LIMIT)).expect_err(source);
        assert_eq!(problem.kind, ErrorKind::Bound, "{source}: {problem}");
        let peak = PEAK.get() - start;
        // One operation may double what is there before it is noticed, and copies it once.
        assert!(peak < 5 * LIMIT, "{source} held {peak} bytes");
        drop(problem);
        let left = HELD.get().wrapping_sub(start);
        assert!(
            !(100_000..=u64::MAX / 2).contains(&left),
            "{source} left {left} bytes"
        );
    }
}

#[test]
fn reading_a_field_of_a_large_input_copies_nothing_else() {
    let items: Vec<_> = (0..10_000)
        .map(|n| serde_json::json!({ "sku": format!("SKU-{n}"), "note": "a text of some length" }))
        .collect();
    let input =
        Arc::new(serde_json::json!({ "customer": { "email": "ada@example.com" }, "items": items }));
    let scope = Scope::new().with(Name::Input, input);
    let script = compile(
        "input.customer.email + input.items[9999].sku",
        Form::Expression,
    )
    .unwrap();
    let moment = Moment::default();
    let bounds = bounds(1 << 20);
    eval(&script, &scope, moment, &bounds).unwrap();
    PEAK.set(HELD.get());
    let start = HELD.get();
    eval(&script, &scope, moment, &bounds).unwrap();
    let peak = PEAK.get() - start;
    assert!(peak < 10_000, "held {peak} bytes");
}
