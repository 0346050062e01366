#include "plugins/escpos-printer/driver.hpp"

using tilld::escpos::printer_driver;

TILLD_PLUGIN(printer_driver,
             {.id = "org.tilld.escpos-printer",
              .version = "1.0.0",
              .summary = "Receipt printers that speak ESC/POS, on the network or into a folder",
              .provides = {"tilld.printer/1"},
              .uses = {"tilld.state/1"}})
