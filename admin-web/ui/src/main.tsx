import { render } from "preact";
import { App } from "./app";
import { followLinks } from "./router";
import { writeOutUnseen } from "./ui/inert";
import { applyTheme } from "./ui/theme";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/layout.css";
import "./styles/content.css";

applyTheme();
writeOutUnseen();
document.addEventListener("click", followLinks);
render(<App />, document.getElementById("console")!);
