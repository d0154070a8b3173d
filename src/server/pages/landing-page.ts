/**
 * The pages for people: what this is, and what the service holds of one cluster. Sealed data stays
 * opaque here too.
 *
 * They are made to be read as they come: no scripts, nothing from elsewhere, light or dark as the
 * reader's screen is.
 * @module
 */
import { endpointCount } from "../../registry/affiliate-wire.ts";
import type { AffiliateView } from "../../registry/registry.ts";
import { type Html, html } from "./html.ts";

/** Where {@link STYLE} is served. */
export const STYLE_PATH = "/style.css";

/** The look of both pages. */
export const STYLE = `:root {
  color-scheme: light dark;
  --ink: #1c2127;
  --quiet: #5b6672;
  --ground: #ffffff;
  --raised: #f4f6f8;
  --line: #d9dfe5;
  --accent: #a8431f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #d8dee6;
    --quiet: #93a0af;
    --ground: #14181d;
    --raised: #1d232a;
    --line: #313a44;
    --accent: #f0936c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  padding: 3rem 1.25rem 4rem;
  max-width: 46rem;
  background: var(--ground);
  color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif;
}
h1 { margin: 0 0 .75rem; font-size: 1.6rem; line-height: 1.2; letter-spacing: -.01em; }
h1 code { font-size: .8em; font-weight: 500; }
h2 { margin: 2.25rem 0 .5rem; font-size: 1.05rem; }
p { margin: 0 0 1rem; }
a { color: var(--accent); }
code, pre, td, input { font-family: ui-monospace, monospace; font-size: .875rem; }
pre {
  margin: 0 0 1rem;
  padding: .9rem 1rem;
  overflow-x: auto;
  background: var(--raised);
  border: 1px solid var(--line);
  border-radius: .4rem;
  line-height: 1.5;
}
label { display: block; margin-bottom: .3rem; color: var(--quiet); font-size: .9rem; }
form div { display: flex; gap: .5rem; }
input {
  flex: 1;
  min-width: 0;
  padding: .5rem .65rem;
  background: var(--raised);
  color: inherit;
  border: 1px solid var(--line);
  border-radius: .4rem;
}
button {
  padding: .5rem 1rem;
  background: var(--accent);
  color: var(--ground);
  border: 0;
  border-radius: .4rem;
  font: inherit;
  font-weight: 600;
  cursor: pointer;
}
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.scroll { overflow-x: auto; margin: 0 0 1rem; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); text-align: left; }
th { color: var(--quiet); font-size: .85rem; font-weight: 600; white-space: nowrap; }
td { vertical-align: top; overflow-wrap: anywhere; }
td:first-child { min-width: 16rem; }
.number { text-align: right; white-space: nowrap; }
.number:last-child { padding-right: 0; }
.quiet, footer { color: var(--quiet); }
.long { overflow-wrap: anywhere; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .9rem; }
footer a { margin-right: 1rem; }
`;

const CONFIGURATION = `cluster:
  discovery:
    enabled: true
    registries:
      service:
        endpoint: https://this-service.example/`;

/** The landing page. */
export function landingPage(affiliates: number): string {
  return page(
    "Talos discovery service",
    html`<h1>Talos discovery service</h1>
<p>Machines of a <a href="https://www.talos.dev/">Talos Linux</a> cluster find each other here before Kubernetes runs.
They seal what they say with a secret that only the cluster has: this service holds it for a while and cannot read it.</p>
<p class="quiet">It knows ${affiliates} ${affiliates === 1 ? "machine" : "machines"} now.</p>
<h2>Use it</h2>
<p>In the configuration of each machine:</p>
<pre>${CONFIGURATION}</pre>
<h2>See what it holds of a cluster</h2>
${inspectForm("")}`,
  );
}

/** What the service holds of one cluster; `affiliates` is empty for one that it does not know. */
export function inspectPage(clusterId: string, affiliates: readonly AffiliateView[]): string {
  return page(
    "Inspect a cluster",
    html`<h1>Cluster <code class="long"><bdi>${clusterId}</bdi></code></h1>
${affiliates.length === 0 ? html`<p>No machine is registered under this cluster ID.</p>` : affiliateTable(affiliates)}
<h2>Another cluster</h2>
${inspectForm(clusterId)}`,
  );
}

/** Says why there is nothing to show. */
export function inspectFailure(clusterId: string, reason: string): string {
  return page(
    "Inspect a cluster",
    html`<h1>Inspect a cluster</h1>
<p>${reason}</p>
${inspectForm(clusterId)}`,
  );
}

function affiliateTable(affiliates: readonly AffiliateView[]): Html {
  return html`<p>${affiliates.length} ${affiliates.length === 1 ? "machine" : "machines"}, in the order of first registration.
What they published is sealed; only its size is to be seen.</p>
<div class="scroll"><table>
<thead><tr><th scope="col">Affiliate</th><th scope="col" class="number">Data, bytes</th><th scope="col" class="number">Endpoints</th></tr></thead>
<tbody>
${affiliates.map(
  (view) =>
    html`<tr><td><bdi>${view.id}</bdi></td><td class="number">${view.data.length}</td><td class="number">${endpointCount(view)}</td></tr>
`,
)}</tbody></table></div>`;
}

function inspectForm(clusterId: string): Html {
  return html`<form action="/inspect" method="get">
<label for="cluster">Cluster ID</label>
<div><input id="cluster" name="clusterID" value="${clusterId}" required maxlength="256" autocomplete="off" spellcheck="false"><button>Inspect</button></div>
</form>`;
}

function page(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<main>
${content}
</main>
<footer><a href="/">Start</a><a href="/stats">Statistics</a><a href="/readyz">Readiness</a></footer>
</body>
</html>
`.source;
}
