# The shim's program as data: jobs/shim_image.h.
  .section .rodata
  .balign 16
  .global callsheetShimBegin
callsheetShimBegin:
  .incbin CALLSHEET_SHIM
  .global callsheetShimEnd
callsheetShimEnd:
  .section .note.GNU-stack, "", %progbits
