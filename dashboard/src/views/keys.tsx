// The three keys, typed once.
import { useId } from "preact/hooks";
import { NAMES, USES, store, useKeys } from "../keys";

export function Keys() {
  const keys = useKeys();
  const id = useId();
  return (
    <section>
      <h1>Keys</h1>
      <p>
        <code>./sdp outputs</code> prints them. They stay in this tab until it is closed, and are
        sent to this platform only.
      </p>
      <form
        class="keys"
        onSubmit={(event) => {
          event.preventDefault();
          const typed = new FormData(event.currentTarget);
          const value = (name: string) => String(typed.get(name) ?? "");
          store({
            ApiKey: value("ApiKey"),
            DashboardKey: value("DashboardKey"),
            DefinitionsKey: value("DefinitionsKey"),
          });
          location.hash = "#/overview";
        }}
      >
        {NAMES.map((name) => (
          <div class="field wide" key={name}>
            <label for={`${id}-${name}`}>
              {name} <span class="quiet">for {USES[name]}</span>
            </label>
            <input
              id={`${id}-${name}`}
              name={name}
              type="password"
              defaultValue={keys[name]}
              autocomplete="off"
              spellcheck={false}
            />
          </div>
        ))}
        <div class="controls">
          <button type="submit" class="main">
            Use these keys
          </button>
          <button
            type="button"
            onClick={() => store({ ApiKey: "", DashboardKey: "", DefinitionsKey: "" })}
          >
            Forget them
          </button>
        </div>
      </form>
    </section>
  );
}
