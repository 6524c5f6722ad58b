/** A browser for the tests, and what each of its pages is held to. */
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launch } from './chromium.ts';

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** A page, with everything on it that should not be. */
export class Look {
  readonly page: Page;
  /** What the console said, errors of scripts, and requests to other origins. */
  readonly problems: string[] = [];

  constructor(page: Page, origin: string) {
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        this.problems.push(message.text());
    });
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('request', (request) => {
      const url = request.url();
      if (new URL(url).origin !== origin) this.problems.push(`a request to ${url}`);
    });
  }

  /** What axe finds wrong, each with its place. Its script is put into a page that allows none but its own. */
  async violations(): Promise<string[]> {
    const client = await this.page.context().newCDPSession(this.page);
    await client.send('Runtime.evaluate', { expression: axe.source });
    const { result } = await client.send('Runtime.evaluate', {
      expression:
        'axe.run(document, { resultTypes: ["violations"] }).then((r) => JSON.stringify(r.violations))',
      awaitPromise: true,
    });
    const found = JSON.parse(String(result.value)) as readonly Violation[];
    return found.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary = '' }) => `${id}: ${html} ${failureSummary}`),
    );
  }
}

export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<TestBrowser> {
    return new TestBrowser(await launch());
  }

  /** Opens an address in a context of its own. */
  async look(url: string, options: BrowserContextOptions = {}): Promise<Look> {
    const context = await this.#browser.newContext({
      viewport: { width: 1280, height: 900 },
      ...options,
    });
    context.setDefaultTimeout(20_000);
    const look = new Look(await context.newPage(), new URL(url).origin);
    await look.page.goto(url, { waitUntil: 'load' });
    return look;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}
