/**
 * Debian's Chromium under playwright-core, and pages for it to load.
 * @module
 */
import { createServer, type RequestListener } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Tools } from "../harness/runtimes/tools.ts";

/** Where Debian puts it; the environment's `CHROMIUM` says another place. */
const CHROMIUM = "/usr/bin/chromium";

/** As a container runs it: no sandbox of its own, no graphics, no calls home. */
const CHROMIUM_FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** What is used of Playwright, which only `.cache/runtimes` has. */
export interface Page {
  goto(url: string): Promise<unknown>;
  addScriptTag(options: { content: string }): Promise<unknown>;
  evaluate<Result>(expression: string): Promise<Result>;
  fill(selector: string, text: string): Promise<unknown>;
  click(selector: string): Promise<unknown>;
  textContent(selector: string): Promise<string | null>;
  waitForFunction(expression: string): Promise<unknown>;
}

interface PlaywrightModule {
  readonly chromium: {
    launch(options: {
      executablePath: string;
      args: readonly string[];
    }): Promise<{ newPage(): Promise<Page>; close(): Promise<void> }>;
  };
}

/**
 * Serves a site on a port of its own, which makes a service's port another origin, and opens it in a new browser.
 *
 * @param site - Answers the browser's requests for the page.
 */
export async function withPage<Result>(
  tools: Tools,
  site: RequestListener,
  use: (page: Page, siteUrl: string) => Promise<Result>,
): Promise<Result> {
  const { chromium } = createRequire(join(tools.modules, "index.js"))(
    "playwright-core",
  ) as PlaywrightModule;
  const server = createServer(site);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const executablePath = process.env.CHROMIUM ?? CHROMIUM;
    const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      return await use(await browser.newPage(), url);
    } finally {
      await browser.close();
    }
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
