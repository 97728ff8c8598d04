// What scripts add to the console. Every page reads and every form works without them.
"use strict";

(() => {
  const all = (root, selector) => [...(root.querySelectorAll ? root.querySelectorAll(selector) : [])];

  // Copies what stands beside a button.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    const text = source.value ?? source.textContent;
    try {
      await navigator.clipboard.writeText(text.trim());
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  });

  // A form is sent once, however often its button is pressed: what it answers may be a secret that is shown only now.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => all(document, "form[data-sent]").forEach((form) => delete form.dataset.sent));

  // One menu is open at a time; Escape and a click elsewhere close it.
  const close = (except) => all(document, "details.menu[open]").forEach((menu) => {
    if (menu !== except) menu.open = false;
  });
  document.addEventListener("click", (event) => close(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = document.querySelector("details.menu[open]");
      if (open) { open.open = false; open.querySelector("summary").focus(); }
    }
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      const search = document.querySelector("input[type=search]");
      if (search) { event.preventDefault(); search.focus(); }
    }
  });

  // A line each in a text area becomes chips.
  const chips = (area) => {
    if (area.dataset.done) return;
    area.dataset.done = "yes";
    const box = document.createElement("div");
    box.className = "values-box";
    const input = document.createElement("input");
    input.type = "text";
    input.placeholder = "Add a value, then Enter";
    input.setAttribute("aria-label", "Add a value");
    const values = () => area.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const write = (list) => {
      area.value = list.join("\n");
      area.dispatchEvent(new Event("input", { bubbles: true }));
      draw();
    };
    const draw = () => {
      all(box, ".chip").forEach((chip) => chip.remove());
      values().forEach((value, at) => {
        const chip = document.createElement("span");
        chip.className = "chip";
        chip.append(value);
        const remove = document.createElement("button");
        remove.type = "button";
        remove.textContent = "×";
        remove.setAttribute("aria-label", `Remove ${value}`);
        remove.addEventListener("click", () => { write(values().filter((_, other) => other !== at)); input.focus(); });
        chip.append(remove);
        box.insertBefore(chip, input);
      });
    };
    const take = () => {
      const value = input.value.trim();
      if (value) { input.value = ""; write([...new Set([...values(), value])]); }
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && input.value.trim()) { event.preventDefault(); take(); }
      if (event.key === "Backspace" && !input.value) write(values().slice(0, -1));
    });
    input.addEventListener("paste", (event) => {
      const text = event.clipboardData.getData("text");
      if (!text.includes("\n")) return;
      event.preventDefault();
      write([...new Set([...values(), ...text.split("\n").map((line) => line.trim()).filter(Boolean)])]);
    });
    input.addEventListener("blur", take);
    box.append(input);
    area.hidden = true;
    area.after(box);
    const label = document.querySelector(`label[for="${area.id}"]`);
    if (label) { input.id = `${area.id}-input`; label.setAttribute("for", input.id); }
    draw();
  };

  // Rows that are dragged into another order; the buttons beside them do the same.
  const sortable = (body) => {
    if (body.dataset.done) return;
    body.dataset.done = "yes";
    let dragged = null;
    all(body, "tr").forEach((row) => {
      const handle = row.querySelector(".handle");
      if (!handle) return;
      handle.addEventListener("pointerdown", () => { row.draggable = true; });
      row.addEventListener("dragstart", (event) => {
        dragged = row;
        row.classList.add("dragging");
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", "");
      });
      row.addEventListener("dragover", (event) => {
        if (!dragged) return;
        event.preventDefault();
        all(body, ".over").forEach((other) => other.classList.remove("over"));
        row.classList.add("over");
      });
      row.addEventListener("drop", (event) => {
        event.preventDefault();
        if (!dragged || dragged === row) return;
        const rows = all(body, "tr");
        if (rows.indexOf(dragged) < rows.indexOf(row)) row.after(dragged); else row.before(dragged);
        const form = document.getElementById(body.dataset.order);
        all(form, "input[name=name]").forEach((input) => input.remove());
        all(body, "tr").forEach((one) => {
          const input = document.createElement("input");
          input.type = "hidden";
          input.name = "name";
          input.value = one.dataset.name;
          form.append(input);
        });
        form.submit();
      });
      row.addEventListener("dragend", () => {
        row.draggable = false;
        dragged = null;
        all(body, ".over, .dragging").forEach((one) => one.classList.remove("over", "dragging"));
      });
    });
  };

  // A selection that outlives the page: it is kept in the tab, and goes along with the form.
  const KEY = "provost-selected";
  const selected = () => new Set(JSON.parse(sessionStorage.getItem(KEY) || "[]"));
  const keep = (set) => sessionStorage.setItem(KEY, JSON.stringify([...set]));
  const selection = (form) => {
    const boxes = all(document, "input[name=id][form=bulk]");
    const bar = document.getElementById("bulk-bar");
    const set = selected();
    const show = () => {
      const now = selected();
      const count = document.getElementById("bulk-count");
      const everybody = form.querySelector("input[name=all]");
      if (count) count.textContent = everybody && everybody.checked ? "Everybody in this list" : `${now.size} selected`;
      if (bar) bar.hidden = now.size === 0 && !(everybody && everybody.checked);
      const page = document.getElementById("tick-page");
      if (page) page.checked = boxes.length > 0 && boxes.every((box) => box.checked);
    };
    boxes.forEach((box) => {
      box.checked = set.has(box.value);
      if (box.dataset.done) return;
      box.dataset.done = "yes";
      box.addEventListener("change", () => {
        const now = selected();
        if (box.checked) now.add(box.value); else now.delete(box.value);
        keep(now);
        show();
      });
    });
    const page = document.getElementById("tick-page");
    if (page && !page.dataset.done) {
      page.dataset.done = "yes";
      page.hidden = false;
      page.addEventListener("change", () => {
        const now = selected();
        all(document, "input[name=id][form=bulk]").forEach((box) => {
          box.checked = page.checked;
          if (page.checked) now.add(box.value); else now.delete(box.value);
        });
        keep(now);
        show();
      });
    }
    const clear = document.getElementById("bulk-clear");
    if (clear && !clear.dataset.done) {
      clear.dataset.done = "yes";
      clear.hidden = false;
      clear.addEventListener("click", () => {
        keep(new Set());
        const everybody = form.querySelector("input[name=all]");
        if (everybody) everybody.checked = false;
        selection(form);
      });
    }
    if (!form.dataset.done) {
      form.dataset.done = "yes";
      form.addEventListener("change", show);
      form.addEventListener("submit", () => {
        const here = new Set(all(document, "input[name=id][form=bulk]").map((box) => box.value));
        const others = [...selected()].filter((id) => !here.has(id));
        if (others.length) {
          const input = document.createElement("input");
          input.type = "hidden";
          input.name = "id";
          input.value = others.join(",");
          form.append(input);
        }
      });
    }
    show();
  };

  const enhance = (root) => {
    all(root, "textarea[data-chips]").forEach(chips);
    all(root, "tbody[data-order]").forEach(sortable);
    const form = document.getElementById("bulk");
    if (form) selection(form);
    if (document.querySelector("[data-selection-done]")) sessionStorage.removeItem(KEY);
    all(root, "[data-auto-submit]").forEach((select) => {
      if (select.dataset.done) return;
      select.dataset.done = "yes";
      select.addEventListener("change", () => select.form.requestSubmit());
    });
  };
  // A request that fails says so, and whoever pressed goes on when they like.
  const say = (text) => {
    const place = document.getElementById("notice");
    if (!place) return;
    const notice = document.createElement("div");
    notice.className = "notice bad";
    notice.setAttribute("role", "alert");
    notice.textContent = text;
    place.replaceChildren(notice);
  };
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.requestConfig.headers["X-Poll"]) return;
    const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    const told = page.querySelector("[role=alert]");
    say(told ? told.textContent : "The server could not answer. Try again in a moment.");
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (!event.detail.requestConfig.headers["X-Poll"]) say("The server cannot be reached. Try again in a moment.");
  });
  // What looks by itself leaves alone what somebody is at.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig } = event.detail;
    if (requestConfig.headers["X-Poll"] && target.contains(document.activeElement)) event.detail.shouldSwap = false;
  });
  document.addEventListener("DOMContentLoaded", () => enhance(document));
  document.addEventListener("htmx:afterSettle", (event) => enhance(event.target.parentNode || document));
})();
