//! Which addresses outbound calls may reach: public ones, and what `WEIR_OUTBOUND_ALLOW` names.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::IpNet;
use url::{Host, Url};

/// The setting that every refusal names.
pub const SETTING: &str = "WEIR_OUTBOUND_ALLOW";

/// What outbound calls may reach beside public addresses. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    everything: bool,
    nets: Vec<IpNet>,
    hosts: BTreeSet<String>,
}

/// A call that the guard refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} is not called: {rule}; if flows may call it, name its address, network or host in {SETTING}"
)]
pub struct Refused {
    what: String,
    rule: String,
}

impl Allow {
    /// Reads the setting: addresses, networks (CIDR) and host names, separated by commas, or `*` for everything.
    ///
    /// A host name permits whatever address it resolves to, and nothing but calls by this name.
    ///
    /// # Errors
    ///
    /// A sentence that names the entry that is none of these.
    pub fn parse(setting: &str) -> Result<Self, String> {
        let mut allow = Allow::default();
        for entry in setting.split(',').map(str::trim).filter(|e| !e.is_empty()) {
            if entry == "*" {
                allow.everything = true;
            } else if let Ok(net) = entry.parse::<IpNet>() {
                allow.nets.push(net.trunc());
            } else if let Ok(address) = unbracketed(entry).parse::<IpAddr>() {
                allow.nets.push(IpNet::from(address));
            } else {
                allow.hosts.insert(host_name(entry)?);
            }
        }
        Ok(allow)
    }

    /// No guard at all, as `*` says it.
    pub fn everything() -> Self {
        Allow {
            everything: true,
            ..Allow::default()
        }
    }

    /// Checks what can be known of a URL before its name is resolved: the scheme, and an address in place of a name.
    ///
    /// # Errors
    ///
    /// The refusal, with the rule that the address falls under.
    pub fn check_url(&self, url: &Url) -> Result<(), Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused {
                what: format!("{}:", url.scheme()),
                rule: "only http and https are spoken here".into(),
            });
        }
        match url.host() {
            Some(Host::Ipv4(address)) => self.check_address(address.into()),
            Some(Host::Ipv6(address)) => self.check_address(address.into()),
            Some(Host::Domain(_)) => Ok(()),
            None => Err(Refused {
                what: url.as_str().into(),
                rule: "it has no host".into(),
            }),
        }
    }

    /// Checks an address.
    ///
    /// # Errors
    ///
    /// The refusal, with the rule that the address falls under.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Refused> {
        match rule(address) {
            Some(rule) if !self.names_address(address) => Err(Refused {
                what: address.to_string(),
                rule: format!("it is {rule}"),
            }),
            _ => Ok(()),
        }
    }

    /// Of the addresses that a name resolved to, those that may be called.
    ///
    /// # Errors
    ///
    /// The refusal, where none is left.
    pub(super) fn filter<A: Copy>(
        &self,
        name: &str,
        addresses: Vec<A>,
        ip: impl Fn(A) -> IpAddr,
    ) -> Result<Vec<A>, Refused> {
        if self.everything || self.hosts.contains(&normal(name)) {
            return Ok(addresses);
        }
        let mut refused = None;
        let mut allowed = Vec::with_capacity(addresses.len());
        for address in addresses {
            match self.check_address(ip(address)) {
                Ok(()) => allowed.push(address),
                Err(error) => refused = Some(error),
            }
        }
        match (allowed.is_empty(), refused) {
            (true, Some(Refused { what, rule })) => Err(Refused {
                what: name.into(),
                rule: format!("it resolves to {what}, and {rule}"),
            }),
            _ => Ok(allowed),
        }
    }

    fn names_address(&self, address: IpAddr) -> bool {
        let same = match address {
            IpAddr::V6(v6) => same_as_v4(v6).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        let named = |address: IpAddr| self.nets.iter().any(|net| net.contains(&address));
        self.everything || named(address) || same.is_some_and(named)
    }
}

/// Why an address is not public, in words; `None` for a public one.
///
/// After the IANA registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890 and its updates).
fn rule(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => rule_v4(v4),
        IpAddr::V6(v6) => rule_v6(v6),
    }
}

fn rule_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, d] = address.octets();
    Some(match (a, b, c, d) {
        (169, 254, 169, 253 | 254) | (169, 254, 170, 2 | 23) => METADATA,
        (100, 100, 100, 200) | (192, 0, 0, 192) | (168, 63, 129, 16) => METADATA,
        (0, ..) => "an unspecified address (0.0.0.0/8)",
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) => "a private address (RFC 1918)",
        (100, 64..=127, ..) => "a carrier-grade NAT address (100.64.0.0/10)",
        (127, ..) => "a loopback address (127.0.0.0/8)",
        (169, 254, ..) => "a link-local address (169.254.0.0/16)",
        (192, 0, 0, _) => "a protocol address (192.0.0.0/24)",
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => {
            "a documentation address (RFC 5737)"
        }
        (192, 88, 99, _) => "a 6to4 relay address (192.88.99.0/24)",
        (198, 18 | 19, ..) => "a benchmarking address (198.18.0.0/15)",
        (224..=239, ..) => "a multicast address (224.0.0.0/4)",
        (255, 255, 255, 255) => "the broadcast address",
        (240..=255, ..) => "a reserved address (240.0.0.0/4)",
        _ => return None,
    })
}

fn rule_v6(address: Ipv6Addr) -> Option<&'static str> {
    // The other spellings of an IPv4 address are judged as that address.
    if let Some(v4) = same_as_v4(address) {
        return rule_v4(v4);
    }
    Some(match address.segments() {
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254 | 0x253 | 0x23] => METADATA,
        [0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe] => METADATA,
        [0, 0, 0, 0, 0, 0, 0, 0] => "the unspecified address (::)",
        [0, 0, 0, 0, 0, 0, 0, 1] => "the loopback address (::1)",
        [0, 0, 0, 0, 0, 0, ..] => "an IPv4-compatible address (::/96)",
        [0x64, 0xff9b, ..] => "a NAT64 address of a local network (64:ff9b::/32)",
        [0x2002, ..] => "a 6to4 address (2002::/16), which leads to an IPv4 address",
        [0x2001, 0, ..] => "a Teredo address (2001::/32), which leads to an IPv4 address",
        [0x2001, 0..=0x1ff, ..] => "a protocol address (2001::/23)",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => {
            "a documentation address (RFC 3849, RFC 9637)"
        }
        [0xfc00..=0xfdff, ..] => "a private address (fc00::/7)",
        [0xfe80..=0xfebf, ..] => "a link-local address (fe80::/10)",
        [0xfec0..=0xfeff, ..] => "a site-local address (fec0::/10)",
        [0xff00..=0xffff, ..] => "a multicast address (ff00::/8)",
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => {
            "an ISATAP address (RFC 5214), which leads to an IPv4 address"
        }
        [0x2000..=0x3fff, ..] => return None,
        _ => "outside the public addresses of IPv6 (2000::/3)",
    })
}

const METADATA: &str = "an address where clouds serve the machine's own credentials (metadata)";

/// The IPv4 address that an IPv6 address is another spelling of: IPv4-mapped (`::ffff:0:0/96`), IPv4-translated
/// (`::ffff:0:0:0/96`) and NAT64 (`64:ff9b::/96`), by which IPv6-only networks reach public IPv4.
fn same_as_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

/// A host name as names are compared: in lower case and without the dot of the root.
fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn unbracketed(entry: &str) -> &str {
    let inner = entry.strip_prefix('[').and_then(|e| e.strip_suffix(']'));
    inner.unwrap_or(entry)
}

fn host_name(entry: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "`{entry}` in {SETTING} is no address, network or host name; write for example 10.0.0.0/8, fd12::/32, \
             erp.example.com (without a port and without wildcards), or * for everything"
        )
    };
    let plain = entry
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b) || !b.is_ascii());
    if !plain {
        return Err(wrong());
    }
    // As a URL would read it, so that other spellings of names (IDNA) and of addresses (0x7f.1) become the usual one.
    match Host::parse(entry.trim_end_matches('.')) {
        Ok(Host::Domain(name)) => Ok(normal(&name)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every address of a URL, and a word of the rule that refuses it; an empty word where it may be called.
    const ADDRESSES: &[(&str, &str)] = &[
        ("8.8.8.8", ""),
        ("1.1.1.1", ""),
        ("93.184.216.34", ""),
        ("11.0.0.1", ""),
        ("9.255.255.255", ""),
        ("172.15.255.255", ""),
        ("172.32.0.1", ""),
        ("192.167.255.255", ""),
        ("192.169.0.1", ""),
        ("100.63.255.255", ""),
        ("100.128.0.1", ""),
        ("126.255.255.255", ""),
        ("128.0.0.1", ""),
        ("169.253.255.255", ""),
        ("198.17.255.255", ""),
        ("198.20.0.1", ""),
        ("223.255.255.255", ""),
        ("127.0.0.1", "loopback"),
        ("127.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("2130706433", "loopback"),
        ("0x7f000001", "loopback"),
        ("0x7f.0.0.1", "loopback"),
        ("0177.0.0.1", "loopback"),
        ("017700000001", "loopback"),
        ("127.0.0.1.", "loopback"),
        ("①②⑦.0.0.1", "loopback"),
        ("%31%32%37.0.0.1", "loopback"),
        ("0", "unspecified"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("10.0.0.1", "private"),
        ("10.255.255.255", "private"),
        ("012.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.0.1", "private"),
        ("0xc0a80001", "private"),
        ("192.168.255.255", "private"),
        ("100.64.0.1", "carrier"),
        ("100.127.255.255", "carrier"),
        ("169.254.0.1", "link-local"),
        ("169.254.169.254", "metadata"),
        ("0xa9fea9fe", "metadata"),
        ("2852039166", "metadata"),
        ("169.254.170.2", "metadata"),
        ("100.100.100.200", "metadata"),
        ("192.0.0.192", "metadata"),
        ("168.63.129.16", "metadata"),
        ("192.0.0.1", "protocol"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.7", "documentation"),
        ("203.0.113.9", "documentation"),
        ("192.88.99.1", "6to4 relay"),
        ("198.18.0.1", "benchmarking"),
        ("198.19.255.255", "benchmarking"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("[2606:4700:4700::1111]", ""),
        ("[2a00:1450:4001::1]", ""),
        ("[2001:4860:4860::8888]", ""),
        ("[2001:200::1]", ""),
        ("[::]", "unspecified"),
        ("[::1]", "loopback"),
        ("[0:0:0:0:0:0:0:1]", "loopback"),
        ("[::ffff:127.0.0.1]", "loopback"),
        ("[::ffff:7f00:1]", "loopback"),
        ("[::ffff:10.1.2.3]", "private"),
        ("[::ffff:169.254.169.254]", "metadata"),
        ("[::ffff:8.8.8.8]", ""),
        ("[::ffff:0:127.0.0.1]", "loopback"),
        ("[::127.0.0.1]", "compatible"),
        ("[::8.8.8.8]", "compatible"),
        ("[64:ff9b::7f00:1]", "loopback"),
        ("[64:ff9b::a9fe:a9fe]", "metadata"),
        ("[64:ff9b::10.0.0.1]", "private"),
        ("[64:ff9b::8.8.8.8]", ""),
        ("[64:ff9b:1::8.8.8.8]", "NAT64"),
        ("[2002:7f00:1::]", "6to4"),
        ("[2002:a9fe:a9fe::1]", "6to4"),
        ("[2002:808:808::1]", "6to4"),
        ("[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "Teredo"),
        ("[2001:10::1]", "protocol"),
        ("[2001:db8::1]", "documentation"),
        ("[3fff::1]", "documentation"),
        ("[fc00::1]", "private"),
        ("[fdff:ffff::1]", "private"),
        ("[fd00:ec2::254]", "metadata"),
        ("[fe80::1]", "link-local"),
        ("[febf::1]", "link-local"),
        ("[fe80::a9fe:a9fe]", "metadata"),
        ("[fec0::1]", "site-local"),
        ("[ff02::1]", "multicast"),
        ("[100::1]", "outside"),
        ("[5f00::1]", "outside"),
        ("[4000::1]", "outside"),
        ("[2a00:1:2:3:0:5efe:10.0.0.1]", "ISATAP"),
    ];

    #[test]
    fn addresses_are_judged_by_their_rule_however_they_are_written() {
        let allow = Allow::default();
        for (address, word) in ADDRESSES {
            let url = Url::parse(&format!("http://{address}:8080/x")).unwrap();
            match allow.check_url(&url) {
                Ok(()) => assert!(word.is_empty(), "{address} should be refused: {word}"),
                Err(error) => {
                    let text = error.to_string();
                    assert!(!word.is_empty() && text.contains(word), "{address}: {text}");
                    assert!(text.contains(SETTING), "{text}");
                }
            }
            Allow::everything().check_url(&url).unwrap();
        }
        assert!(ADDRESSES.len() >= 60);
    }

    #[test]
    fn the_setting_names_what_may_be_called() {
        let allow = Allow::parse(
            " 10.1.0.0/16, 192.168.7.7,[::1], fd12:3456::/32 ,localhost, ERP.Example.com.,",
        )
        .unwrap();
        let table = [
            ("10.1.255.1", true),
            ("10.2.0.1", false),
            ("::ffff:10.1.2.3", true),
            ("64:ff9b::10.1.2.3", true),
            ("2002:0a01:0203::", false),
            ("192.168.7.7", true),
            ("192.168.7.8", false),
            ("::1", true),
            ("127.0.0.1", false),
            ("fd12:3456:1::1", true),
            ("fd12:3457::1", false),
            ("8.8.8.8", true),
        ];
        for (address, allowed) in table {
            assert_eq!(
                allow.check_address(address.parse().unwrap()).is_ok(),
                allowed,
                "{address}"
            );
        }
        let loopback: Vec<IpAddr> = vec!["127.0.0.1".parse().unwrap()];
        for (name, allowed) in [
            ("localhost", true),
            ("LOCALHOST.", true),
            ("erp.example.com", true),
            ("sub.erp.example.com", false),
        ] {
            assert_eq!(
                allow.filter(name, loopback.clone(), |ip| ip).is_ok(),
                allowed,
                "{name}"
            );
        }
    }

    #[test]
    fn of_a_name_with_several_addresses_the_allowed_ones_are_called() {
        let addresses = |texts: &[&str]| {
            texts
                .iter()
                .map(|t| t.parse().unwrap())
                .collect::<Vec<IpAddr>>()
        };
        let allow = Allow::default();
        let mixed = addresses(&["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1"]);
        assert_eq!(
            allow.filter("mixed.example", mixed, |ip| ip).unwrap(),
            addresses(&["8.8.8.8", "2606:4700::1"])
        );
        let error = allow
            .filter("rebind.example", addresses(&["169.254.169.254"]), |ip| ip)
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("rebind.example")
                && text.contains("169.254.169.254")
                && text.contains("metadata"),
            "{text}"
        );
        assert!(
            allow
                .filter("empty.example", Vec::<IpAddr>::new(), |ip| ip)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn other_schemes_are_not_spoken() {
        for url in [
            "file:///etc/passwd",
            "ftp://example.com/",
            "gopher://x",
            "data:,x",
            "javascript:1",
            "unix:/run/x",
        ] {
            assert!(
                Allow::everything()
                    .check_url(&Url::parse(url).unwrap())
                    .is_err(),
                "{url}"
            );
        }
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_refused_with_advice() {
        for entry in [
            "10.0.0.0/33",
            "http://erp",
            "erp:8080",
            "*.example.com",
            "a b",
            "erp/x",
            "0x7f.1",
            "300.1.1.1",
            "user@erp",
        ] {
            let error = Allow::parse(&format!("localhost,{entry}")).unwrap_err();
            assert!(
                error.contains(entry) && error.contains("10.0.0.0/8"),
                "{error}"
            );
        }
        assert_eq!(Allow::parse(" , ").unwrap(), Allow::default());
        assert_eq!(Allow::parse("*").unwrap(), Allow::everything());
    }
}
