import { render } from "preact";

render(<main>GiroMQ</main>, document.getElementById("console")!);
