//! The memory limits of Linux's control groups, version 1, version 2, and both beside each other.
//!
//! A limit binds all processes below its cgroup, so the use is read where the limit is: at the process's own cgroup and at
//! each one above it, as far as they can be seen. `/proc/self/cgroup` tells the process's cgroup in a hierarchy, and
//! `/proc/self/mountinfo` tells where that hierarchy is mounted. See cgroups(7), and "Memory" in the kernel's
//! `Documentation/admin-guide/cgroup-v2.rst`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

/// A limit from this value on means "unlimited": version 1 shows the largest page count.
const UNLIMITED: u64 = 1 << 62;

/// The cgroups around this process, its own included.
#[derive(Debug)]
pub(super) struct Cgroups {
    /// The folder in which `/proc` and the mount points are: another one than `/` in tests.
    root: PathBuf,
    /// Where the hierarchies are mounted; `None` before that is known.
    mounts: Option<Vec<Mount>>,
}

/// A mounted hierarchy, or a part of it.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    version: Version,
    /// The cgroup that is mounted.
    cgroup: PathBuf,
    point: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Version {
    /// The files with a limit.
    fn limits(self) -> &'static [&'static str] {
        match self {
            Self::V1 => &["memory.limit_in_bytes"],
            // Above `high` the kernel slows the processes down, so the service must not grow into that range.
            Self::V2 => &["memory.max", "memory.high"],
        }
    }

    /// The file with the bytes in use.
    fn usage(self) -> &'static str {
        match self {
            Self::V1 => "memory.usage_in_bytes",
            Self::V2 => "memory.current",
        }
    }

    /// The entries of `memory.stat` that count as used and that the kernel takes back before it kills. They are those which
    /// `MemAvailable` counts as available on the machine as a whole.
    fn reclaimable(self) -> &'static [&'static str] {
        match self {
            Self::V1 => &["total_inactive_file", "total_active_file"],
            Self::V2 => &["inactive_file", "active_file", "slab_reclaimable"],
        }
    }
}

impl Cgroups {
    /// The cgroups around this process. `/proc` and all mount points are looked up below `root`.
    pub(super) fn of_this_process(root: PathBuf) -> Self {
        Self { root, mounts: None }
    }

    /// The bytes in use and the limit, of each cgroup that has a limit, from the process's own upwards.
    ///
    /// # Errors
    /// When a file cannot be read or is not understood, or when the process is in a cgroup that is not mounted.
    pub(super) fn read(&mut self) -> io::Result<Vec<(u64, u64)>> {
        let memory = self.limits();
        if memory.is_err() {
            // What is mounted may have changed.
            self.mounts = None;
        }
        memory
    }

    fn limits(&mut self) -> io::Result<Vec<(u64, u64)>> {
        let proc = self.root.join("proc/self");
        let text = match read(&proc.join("cgroup")) {
            // A kernel without cgroups.
            Err(error) if error.kind() == ErrorKind::NotFound && proc.is_dir() => return Ok(Vec::new()),
            text => text?,
        };
        let Some((version, cgroup)) = parse_cgroup(&text) else {
            return Ok(Vec::new());
        };
        let mounts = match &mut self.mounts {
            Some(mounts) => mounts,
            none => none.insert(parse_mounts(&read(&proc.join("mountinfo"))?)),
        };
        let mut mounts: Vec<_> = mounts.iter().filter(|mount| mount.version == version).collect();
        if mounts.is_empty() && cgroup == "/" {
            // Nothing is mounted, and nothing says that there is a limit.
            return Ok(Vec::new());
        }
        // The one that shows most of the cgroups above comes first.
        mounts.sort_by_key(|mount| mount.cgroup.components().count());
        let located = mounts.into_iter().find_map(|mount| mount.locate(cgroup, &self.root));
        let Some((point, below)) = located else {
            return Err(io::Error::new(ErrorKind::NotFound, format!("the cgroup {cgroup} is not mounted")));
        };
        let mut memory = Vec::new();
        for below in below.ancestors() {
            memory.extend(limit_of(version, &point.join(below))?);
        }
        Ok(memory)
    }
}

impl Mount {
    /// The mount point, and the path from there to `cgroup`; `None` if that is not below it.
    fn locate<'a>(&self, cgroup: &'a str, root: &Path) -> Option<(PathBuf, &'a Path)> {
        let below = Path::new(cgroup).strip_prefix(&self.cgroup).ok()?;
        let point = root.join(self.point.strip_prefix("/").ok()?);
        // A cgroup outside of the process's namespace is shown as `/../other`, and its name says nothing.
        let is_below = below.components().all(|part| matches!(part, Component::Normal(_)));
        (is_below && point.join(below).is_dir()).then_some((point, below))
    }
}

/// The bytes in use in the cgroup in `folder`, and its limit, if it has one.
fn limit_of(version: Version, folder: &Path) -> io::Result<Option<(u64, u64)>> {
    let mut limit = None;
    for name in version.limits() {
        match read(&folder.join(name)) {
            Ok(text) if text.trim() == "max" => {}
            Ok(text) => limit = limit.into_iter().chain([number(&text, name)?]).min(),
            // A root has no limit, nor has a cgroup without the memory controller.
            Err(error) if error.kind() == ErrorKind::NotFound && folder.is_dir() => {}
            Err(error) => return Err(error),
        }
    }
    // A limit of zero asks the kernel to reclaim everything; no share of it can be a threshold.
    let Some(limit) = limit.filter(|limit| (1..UNLIMITED).contains(limit)) else {
        return Ok(None);
    };
    let usage = number(&read(&folder.join(version.usage()))?, version.usage())?;
    let stat = read(&folder.join("memory.stat"))?;
    let reclaimable = stat.lines().filter_map(|line| line.split_once(' '));
    let reclaimable = reclaimable.filter(|(name, _)| version.reclaimable().contains(name));
    let reclaimable = reclaimable.map(|(name, bytes)| number(bytes, name)).sum::<io::Result<u64>>()?;
    Ok(Some((usage.saturating_sub(reclaimable), limit)))
}

fn number(text: &str, name: &str) -> io::Result<u64> {
    let unclear = || io::Error::new(ErrorKind::InvalidData, format!("{name} is not understood: {text:?}"));
    text.trim().parse().map_err(|_| unclear())
}

fn read(path: &Path) -> io::Result<String> {
    let bytes = fs::read(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    // Names that are not UTF-8 can be in it, but no file that is looked for has one.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The hierarchy that has the memory controller, and the process's place in it: that of version 1 where there is one, since a
/// controller is in one hierarchy at a time.
fn parse_cgroup(text: &str) -> Option<(Version, &str)> {
    let mut lines = text.lines().filter_map(|line| {
        let (id, rest) = line.split_once(':')?;
        let (controllers, cgroup) = rest.split_once(':')?;
        Some((id, controllers, cgroup))
    });
    let mut unified = None;
    let legacy = lines.find_map(|(id, controllers, cgroup)| {
        if id == "0" && controllers.is_empty() {
            unified = Some((Version::V2, cgroup));
        }
        controllers.split(',').any(|name| name == "memory").then_some((Version::V1, cgroup))
    });
    legacy.or(unified)
}

/// The hierarchies in `/proc/self/mountinfo` that can have the memory controller.
fn parse_mounts(text: &str) -> Vec<Mount> {
    text.lines().filter_map(parse_mount).collect()
}

/// One line: `id parent device root point options [optional fields] - type source super-options`.
fn parse_mount(line: &str) -> Option<Mount> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let (cgroup, point) = (unescape(mount.next()?), unescape(mount.next()?));
    let mut filesystem = filesystem.split(' ');
    let (kind, options) = (filesystem.next()?, filesystem.nth(1)?);
    let version = match kind {
        "cgroup2" => Version::V2,
        "cgroup" if options.split(',').any(|option| option == "memory") => Version::V1,
        _ => return None,
    };
    Some(Mount { version, cgroup: cgroup.into(), point: point.into() })
}

/// A path of mountinfo, in which blanks, tabs, line ends and backslashes are `\` and three octal digits.
fn unescape(path: &str) -> String {
    let mut parts = path.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(byte.into());
                plain.push_str(&part[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A folder with the files of `/proc` and of the cgroups, removed at the end.
    struct System(PathBuf);

    impl System {
        /// A process in `cgroup`, and mounts.
        fn new(cgroup: &str, mounts: &str) -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let name = format!("fib-http-cgroup-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let system = Self(std::env::temp_dir().join(name));
            system.write("proc/self/cgroup", cgroup);
            system.write("proc/self/mountinfo", mounts);
            system
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            fs::write(path, text).expect("writable");
        }

        /// A cgroup of version 2; nothing is reclaimable.
        fn v2(&self, path: &str, max: &str, high: &str, current: u64) {
            for (name, text) in [("memory.max", max), ("memory.high", high), ("memory.current", &current.to_string())] {
                self.write(&format!("{path}/{name}"), &format!("{text}\n"));
            }
            self.write(&format!("{path}/memory.stat"), "anon 0\nfile 0\ninactive_file 0\n");
        }

        fn v1(&self, path: &str, limit: u64, usage: u64, stat: &str) {
            self.write(&format!("{path}/memory.limit_in_bytes"), &format!("{limit}\n"));
            self.write(&format!("{path}/memory.usage_in_bytes"), &format!("{usage}\n"));
            self.write(&format!("{path}/memory.stat"), stat);
        }

        fn cgroups(&self) -> Cgroups {
            Cgroups::of_this_process(self.0.clone())
        }

        fn read(&self) -> io::Result<Vec<(u64, u64)>> {
            self.cgroups().read()
        }
    }

    impl Drop for System {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const V2: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    const V1: &str = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
        32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n\
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 master:2 - cgroup cgroup rw,memory\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
    /// What version 1 shows without a limit.
    const NONE: u64 = 0x7fff_ffff_ffff_f000;

    #[test]
    fn version_2_tells_use_and_limit_of_each_level() {
        let system = System::new("0::/site.slice/fib.service\n", V2);
        system.v2("sys/fs/cgroup/site.slice/fib.service", "1000", "max", 300);
        // What other services in the slice use is in this.
        system.v2("sys/fs/cgroup/site.slice", "max", "2000", 1900);
        assert_eq!(system.read().expect("readable"), [(300, 1000), (1900, 2000)]);
        system.v2("sys/fs/cgroup/site.slice/fib.service", "1000", "700", 300);
        system.v2("sys/fs/cgroup/site.slice", "max", "max", 1900);
        assert_eq!(system.read().expect("readable"), [(300, 700)]);
    }

    #[test]
    fn page_cache_that_the_kernel_takes_back_is_not_in_use() {
        let system = System::new("0::/a\n", V2);
        system.v2("sys/fs/cgroup/a", "10000", "max", 5000);
        system.write(
            "sys/fs/cgroup/a/memory.stat",
            "anon 100\nfile 3100\nsock 64\nshmem 100\ninactive_file 1000\nactive_file 2000\nslab_reclaimable 500\n",
        );
        assert_eq!(system.read().expect("readable"), [(1500, 10_000)]);
    }

    #[test]
    fn version_1_is_read_where_it_has_the_memory_controller() {
        // Both versions are mounted, and version 2 has no controllers.
        let cgroup = "9:name=systemd:/\n4:cpu,memory:/docker/1f\n0::/ignored\n";
        let system = System::new(cgroup, V1);
        let stat = "inactive_file 1\ntotal_rss 7\ntotal_inactive_file 100\ntotal_active_file 20\n";
        system.v1("sys/fs/cgroup/memory/docker/1f", 1000, 500, stat);
        system.v1("sys/fs/cgroup/memory/docker", 2000, 600, stat);
        system.v1("sys/fs/cgroup/memory", NONE, 900_000, stat);
        assert_eq!(system.read().expect("readable"), [(380, 1000), (480, 2000)]);
    }

    #[test]
    fn a_container_sees_its_own_cgroup_at_the_mount_point() {
        let mount = "35 31 0:32 /docker/1f /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let system = System::new("4:memory:/docker/1f/inner\n", mount);
        system.v1("sys/fs/cgroup/memory/inner", NONE, 500, "");
        system.v1("sys/fs/cgroup/memory", 1000, 600, "");
        assert_eq!(system.read().expect("readable"), [(600, 1000)]);
        // With a namespace of its own it knows no path, and the limit is at the root that it sees.
        let system = System::new("0::/\n", V2);
        system.v2("sys/fs/cgroup", "1000", "max", 600);
        assert_eq!(system.read().expect("readable"), [(600, 1000)]);
    }

    #[test]
    fn the_mount_that_shows_most_counts() {
        let mounts = "1 0 0:1 /a/b /elsewhere rw - cgroup2 none rw\n2 0 0:1 / /with\\040blank rw - cgroup2 none rw\n";
        let system = System::new("0::/a/b\n", mounts);
        system.v2("elsewhere", "1000", "max", 1);
        system.v2("with blank/a/b", "1000", "max", 1);
        system.v2("with blank/a", "3000", "max", 2);
        assert_eq!(system.read().expect("readable"), [(1, 1000), (2, 3000)]);
    }

    #[test]
    fn no_cgroup_and_no_limit_are_no_failures() {
        let system = System::new("", "");
        assert_eq!(system.read().expect("readable"), []);
        fs::remove_file(system.0.join("proc/self/cgroup")).expect("it is there");
        assert_eq!(system.read().expect("readable"), []);
        // The root has no such files, and nothing may be mounted in a bare chroot.
        let system = System::new("0::/\n", "");
        assert_eq!(system.read().expect("readable"), []);
        system.write("proc/self/mountinfo", V2);
        system.write("sys/fs/cgroup/cgroup.controllers", "memory\n");
        assert_eq!(system.read().expect("readable"), []);
        // No process may have any memory: that cannot be meant for this one.
        system.v2("sys/fs/cgroup", "0", "max", 600);
        assert_eq!(system.read().expect("readable"), []);
    }

    #[test]
    fn what_cannot_be_read_is_a_failure_and_is_tried_again() {
        let no_proc = Cgroups::of_this_process(std::env::temp_dir().join("fib-http-is-not-here")).read();
        assert_eq!(no_proc.expect_err("no /proc").kind(), ErrorKind::NotFound);
        for cgroup in ["0::/a\n", "0::/../a\n"] {
            let unmounted = System::new(cgroup, V2).read();
            assert_eq!(unmounted.expect_err("not there").kind(), ErrorKind::NotFound, "{cgroup}");
        }

        let system = System::new("0::/a\n", "");
        let mut cgroups = system.cgroups();
        assert!(cgroups.read().is_err());
        system.write("proc/self/mountinfo", V2);
        system.v2("sys/fs/cgroup/a", "many", "max", 1);
        let unclear = cgroups.read().expect_err("no number");
        assert!(unclear.to_string().contains("memory.max"), "{unclear}");
        system.v2("sys/fs/cgroup/a", "1000", "max", 1);
        assert_eq!(cgroups.read().expect("readable"), [(1, 1000)]);
        // The process can be moved.
        system.write("proc/self/cgroup", "0::/\n");
        system.v2("sys/fs/cgroup", "max", "max", 1);
        assert_eq!(cgroups.read().expect("readable"), []);
        fs::remove_file(system.0.join("sys/fs/cgroup/a/memory.current")).expect("it is there");
        system.write("proc/self/cgroup", "0::/a\n");
        let unread = cgroups.read().expect_err("no use");
        assert!(unread.to_string().contains("memory.current"), "{unread}");
    }
}
