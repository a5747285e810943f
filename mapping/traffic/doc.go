// Package traffic counts what readers ask for: hits by row and day, and the paths
// that nothing answers.
//
// Counter is told of every request on its way and counts in memory. Every ten
// seconds what has come together goes to a Store as one Batch, and once more
// when Run ends. Counting never waits for the store:
//
//   - A store that is away or hangs gets the same counts with a later batch. A
//     batch is either counted or comes again; only where the store takes it and
//     its answer is lost, it may count twice.
//   - What a process has counted and not handed over is lost when it is killed:
//     an interval's worth.
//
// Memory is bounded whatever is asked for:
//
//   - Hits are counted for MaxHits rows between two batches and, while the store
//     is away, rows and days. Hits beyond these are dropped, and counted as such.
//   - Misses are counted for MaxMisses paths, of which a fifth is for paths that
//     a page of the site itself leads to: those are the site's own mistakes, and
//     a scanner's random paths must not crowd them out. Further misses, and those
//     of paths longer than MaxPath bytes, are counted in one number for each day.
//
// A day is one of UTC. Of a referrer its host alone is kept, and of several the
// site's own before any other.
package traffic
