#include "textflag.h"

DATA thousand<>+0(SB)/8, $1000.0
GLOBL thousand<>(SB), RODATA|NOPTR, $8

// func round3Fours(v []float64)
TEXT ·round3Fours(SB), NOSPLIT, $0-24
	MOVQ         v_base+0(FP), SI
	MOVQ         v_len+8(FP), CX
	SHRQ         $2, CX
	JZ           done
	VBROADCASTSD thousand<>(SB), Y0

four:
	VMULPD   (SI), Y0, Y1
	VROUNDPD $8, Y1, Y1   // halves to even
	VDIVPD   Y0, Y1, Y1
	VMOVUPD  Y1, (SI)
	ADDQ     $32, SI
	DECQ     CX
	JNZ      four
	VZEROUPPER

done:
	RET
