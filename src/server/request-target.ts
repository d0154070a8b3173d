/**
 * Whether a request names its path in the one form that nothing changes.
 *
 * A URL parser folds `//x/inspect`, `/a/../inspect`, `/a/%2e%2e/inspect` and `/a\..\inspect` into
 * `/inspect`. A proxy with a rule for `/inspect` has compared another text then, and is passed by.
 * So only a target that has a single spelling is accepted, and it is judged as it was sent.
 * @module
 */

/** RFC 3986 section 3.3: segments of `pchar`. */
const PATH = /^(?:\/(?:[\w\-.~!$&'()*+,;=:@]|%[\da-f]{2})*)+$/i;

/**
 * Segments that are folded by some parser: an empty one that is not the last, `.`, `..`, and each
 * of them with the parameters that Java's servers cut off, as in `/..;x/`.
 */
const FOLDED_SEGMENT = /\/(?:\/|;|\.{1,2}(?:[/;]|$))/;

/** What an encoded octet must not stand for, besides controls: `unreserved`, and separators. */
const NEEDS_NO_ENCODING = /[\w\-.~/\\]/;

/** Visible ASCII without the `#` of a fragment, and whatever else is not ASCII. */
const QUERY = /^[!"$-~\u0080-\uffff]*$/;

/** The scheme and authority of an absolute form, without user information. */
const AUTHORITY = /^https?:\/\/(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{0,5})?(?=[/?]|$)/i;

/**
 * Looks at a request target as it stands in the request line or in `:path`.
 *
 * @param mayBeAbsolute - Whether the form `http://host/path` is allowed, which RFC 9112 section
 *   3.2.2 has HTTP/1.1 servers accept. Its path is judged like any other.
 * @returns `true` if the target is a path of which no segment and no octet has another spelling,
 *   with any query and no fragment. For such a target `new URL` gives the same path. `*` is allowed
 *   for `OPTIONS`.
 */
export function isNormalTarget(method: string, target: string, mayBeAbsolute: boolean): boolean {
  if (target === "*") return method === "OPTIONS";
  const authority = (mayBeAbsolute && AUTHORITY.exec(target)?.[0]) || "";
  const [path, query] = splitQuery(target.slice(authority.length));
  if (authority !== "" && path === "") return QUERY.test(query);
  return (
    PATH.test(path) &&
    !FOLDED_SEGMENT.test(path) &&
    (path.match(/%../g) ?? []).every(isEncodedForReason) &&
    QUERY.test(query)
  );
}

function splitQuery(text: string): [path: string, query: string] {
  const mark = text.indexOf("?");
  return mark === -1 ? [text, ""] : [text.slice(0, mark), text.slice(mark + 1)];
}

/** @param octet - `%20`. */
function isEncodedForReason(octet: string): boolean {
  const character = String.fromCharCode(Number.parseInt(octet.slice(1), 16));
  return character > "\u001f" && character !== "\u007f" && !NEEDS_NO_ENCODING.test(character);
}
