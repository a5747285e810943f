// Package tree reads the legacy file tree: it looks names up, opens what may be
// served, and knows what the tree's .htaccess files restrict.
//
// # What is served
//
// A regular file that can be read and whose name, with symlinks resolved, lies in the
// tree. Everything else is refused with a [Refusal], which is [ErrNotServed]:
//
//   - names that mapping.Denied denies (dotfiles, leftovers, sources of programs),
//     also anything inside a hidden directory;
//   - FIFOs, devices and sockets, which are never opened for reading;
//   - files and directories that cannot be read;
//   - symlinks that are absolute, climb above the root, dangle or loop. A symlink
//     that stays in the tree is followed by its name, component by component, and
//     what it leads to must itself be served;
//   - what an .htaccess restricts, for the name that was asked and for the one it
//     leads to;
//   - names with control characters and names whose path key is longer than
//     mapping.MaxPathLen, which no URL can spell.
//
// A path is resolved to its real name first; the file is then opened from the root
// downwards without following a symlink at any step, non-blocking, and looked at
// again once open. A name that is swapped for a symlink meanwhile is refused, or
// resolved anew; it never opens another file. (os.Root would follow a symlink that
// stays in the tree, past the check that its target is served, and needs read
// permission on directories where Apache needs search permission only.) The root itself
// is resolved at every operation, so a root that is a symlink may be switched
// under a running responder.
//
// # Restrictions
//
// An .htaccess is read as Apache reads it: continued lines, quotes, comments,
// names in any case. Within one scope (the directory, or one Files or FilesMatch
// section) access is restricted
//
//   - by Require, unless the requirements can only refuse some visitors: "all
//     granted", alone, in RequireAny beside anything, in RequireAll beside
//     "not ip", "not host", "not env", "not user", "not group" and RequireNone of those;
//   - by Order, Allow and Deny, unless everybody is allowed but for some addresses,
//     hosts or marked requests;
//   - by SSLRequire and SSLVerifyClient;
//   - by Auth directives and Satisfy, unless the same scope grants access to all.
//
// Limit and LimitExcept count where they cover GET. If, IfModule, IfDefine and their
// like count as if true, each as a scope of its own, so that no condition lifts a
// restriction. Nothing else lifts one either: what a deeper .htaccess or a Files
// section grants again stays refused, which is the safe side; removing the directive is
// the way out. What only turns some visitors away from public files (a ban) restricts
// nothing and is listed as no longer honoured, as every other directive is.
//
// An .htaccess that cannot be read or parsed, and a pattern that cannot be judged,
// restrict everything they could cover. Apache answers 403 or 500 there.
//
// # Freshness
//
// A file is looked at whenever it is asked for. What is known of a directory (its real name,
// its .htaccess, whether its listing has changed) is rechecked once it is a quarter of a second
// old, so the path of a page costs one lstat, whether it is there or not. Directory listings, read for
// look-ups that ignore case, are kept by the directory's identity and mtime: a name in other letters
// is found within a second.
package tree
