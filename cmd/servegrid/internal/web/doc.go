// Package web serves the page and its JSON API.
//
// It knows HTTP and nothing of serving configurations: the commands hand it
// their operations as [Operation] values, and it adds what every one of them
// needs. A request is refused unless its host is one that the server was asked to
// listen on, so that a foreign name that resolves to this machine reaches nothing,
// and unless its origin is the page itself. Bodies, times and the number of
// requests that compute at once are bounded. Replies allow the page nothing but
// its own files.
//
// The page is hand-written modules without a build step, embedded in the binary.
package web
