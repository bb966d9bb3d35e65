// The page: one view at a time, chosen by the address.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { type Catalog, useCatalog } from "./catalog";
import { useKeys } from "./keys";
import { Shown } from "./parts";
import { type Parameters, usePlace } from "./state";
import "./style.css";
import { Decisions } from "./views/decisions";
import { Definitions } from "./views/definitions";
import { Keys } from "./views/keys";
import { Ledger } from "./views/ledger";
import { Letters } from "./views/letters";
import { Models } from "./views/models";
import { Platform } from "./views/platform";
import { Reports } from "./views/reports";
import { Series } from "./views/series";

type View = (props: { catalog: Catalog; parameters: Parameters; keys: string }) => preact.JSX.Element;

const VIEWS: readonly (readonly [name: string, label: string, view: View])[] = [
  ["overview", "Platform", Platform],
  ["reports", "Reports", Reports],
  ["series", "Series", Series],
  ["decisions", "Decisions", Decisions],
  ["definitions", "Definitions", Definitions],
  ["models", "Models", Models],
  ["ledger", "Ledger", Ledger],
  ["dead-letters", "Dead letters", Letters],
];

function Page() {
  const place = usePlace();
  const keys = useKeys();
  const needed = !keys.DashboardKey;
  const view = needed && place.view !== "keys" ? "keys" : place.view;
  const [name, label, Shown_] = VIEWS.find(([n]) => n === view) ?? VIEWS[0]!;
  const title = view === "keys" ? "Keys" : label;
  useEffect(() => {
    document.title = `${title} · Streaming Data Platform`;
  }, [title]);
  const all = Object.values(keys).join(" ");
  const catalog = useCatalog(keys.DashboardKey);
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        Skip to the content
      </a>
      <header>
        <span class="brand">Streaming Data Platform</span>
        <nav aria-label="Views">
          {VIEWS.map(([n, text]) => (
            <a key={n} href={`#/${n}`} aria-current={view !== "keys" && n === name ? "page" : undefined}>
              {text}
            </a>
          ))}
          <a href="#/keys" aria-current={view === "keys" ? "page" : undefined}>
            Keys
          </a>
        </nav>
      </header>
      <main id="content" tabIndex={-1}>
        {view === "keys" ? (
          <Keys />
        ) : (
          <Shown loaded={catalog}>
            {(found) => <Shown_ catalog={found} parameters={place.parameters} keys={all} />}
          </Shown>
        )}
      </main>
    </>
  );
}

function skip(event: Event): void {
  event.preventDefault(); // the address has the state
  document.getElementById("content")?.focus();
}

render(<Page />, document.getElementById("page")!);
