/**
 * A page that lists the members of a cluster and follows them, through gRPC-Web.
 *
 *   npm install talos-discovery esbuild
 *   npx esbuild main.ts --bundle --format=esm --outdir=. --servedir=.      # then open http://127.0.0.1:8000/
 *
 * The service must speak gRPC-Web and allow the page's origin:
 * `npx talos-discovery serve --cors-origin http://127.0.0.1:8000`, or embed-server.ts with
 * `corsOrigins`.
 */
import { watchMembers } from "./members.ts";

const form = document.querySelector("form") as HTMLFormElement;
const status = document.querySelector("output") as HTMLOutputElement;
const rows = document.querySelector("tbody") as HTMLTableSectionElement;

let current = new AbortController();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const field = (name: string) => String(new FormData(form).get(name) ?? "").trim();
  status.textContent = "connecting";
  try {
    const members = watchMembers({
      service: field("service"),
      clusterId: field("clusterId"),
      clusterSecret: field("clusterSecret"),
      onFailure: (error) => {
        status.textContent = error.message;
      },
      signal,
    });
    for await (const byName of members) {
      status.textContent = `members: ${byName.size}`;
      rows.replaceChildren(
        ...Array.from(byName, ([name, { machineType, operatingSystem, addresses }]) =>
          createRow([name, machineType, operatingSystem, addresses.join(", ")]),
        ),
      );
    }
  } catch (error) {
    // A secret or an address that cannot be right.
    status.textContent = (error as Error).message;
  }
});

function createRow(cells: readonly string[]): HTMLTableRowElement {
  const row = document.createElement("tr");
  for (const text of cells)
    row.append(Object.assign(document.createElement("td"), { textContent: text }));
  return row;
}
